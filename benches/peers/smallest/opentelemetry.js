import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

const processor = new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() });
const provider = new LoggerProvider({ processors: [processor] });
provider.getLogger('smallest').emit({ eventName: 'started' });
