import { Telemetry, verified } from '../../../pkg/dist/index.js';

export { verified };

export async function start({ url, batch, queue, delayMillis, ...options }) {
  const telemetry = new Telemetry({
    serviceName: 'bench',
    enabled: true,
    strict: false,
    ...options,
    batch: {
      baseUrl: url,
      path: '/v1/events',
      maxExportBatchSize: batch,
      maxExportBatchBytes: 2 ** 24,
      maxQueueSize: queue,
      maxQueueBytes: 2 ** 28,
      scheduledDelayMillis: delayMillis,
      ...options.batch,
    },
  });
  await telemetry.ready();
  return {
    log: (name, fields) => telemetry.logEvent(name, fields),
    flush: () => telemetry.flush(),
    /** Memory that is not on the JavaScript heap. */
    memoryBytes: () => telemetry.stats().sizes.memoryBytes,
    ledger: () => telemetry.stats().ledger,
    close: () => telemetry.shutdown({ timeoutMillis: 1_000 }),
  };
}
