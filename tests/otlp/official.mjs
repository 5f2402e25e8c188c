// The official SDK, given what the package is given.
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

/**
 * @param {string} url
 * @param {'otlp-json' | 'otlp-protobuf'} format
 * @param {Record<string, any>} attributes of the resource
 */
export function openOfficial(url, format, attributes) {
  const Exporter = format === 'otlp-json' ? JsonExporter : ProtobufExporter;
  const exporter = new Exporter({ url: `${url}/v1/logs` });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes(attributes),
    processors: [new BatchLogRecordProcessor({ exporter })],
  });
  return { logger: provider.getLogger('official', '1.0.0'), close: () => provider.shutdown() };
}
