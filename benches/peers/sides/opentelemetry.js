import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

export function start({ url, batch, queue, delayMillis, gzip }) {
  const exporter = new OTLPLogExporter({
    url: `${url}/v1/logs`,
    ...(gzip ? { compression: 'gzip' } : {}),
  });
  const processor = new BatchLogRecordProcessor({
    exporter,
    maxExportBatchSize: batch,
    maxQueueSize: queue,
    scheduledDelayMillis: delayMillis,
  });
  const resource = resourceFromAttributes({ 'service.name': 'bench' });
  const provider = new LoggerProvider({ resource, processors: [processor] });
  const logger = provider.getLogger('bench');
  return {
    log: (name, fields) => logger.emit({ eventName: name, attributes: fields }),
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown(),
  };
}
