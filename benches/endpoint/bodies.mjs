// Requests as the package itself makes them: it sends to a server here that keeps them.
import { startServer } from '../../tests/support/server.mjs';

export const EVENTS = 200;

/**
 * @param {typeof import('../../pkg/index.d.ts').Telemetry} Telemetry
 * @param {{ format: 'json' | 'otlp-json' | 'otlp-protobuf', compression: 'gzip' | 'none' }} options
 * @param {number} batches of 200 events each
 * @returns {Promise<{ path: string, headers: Record<string, string>, bytes: Buffer }[]>}
 */
export async function bodies(Telemetry, options, batches) {
  /** @type {(() => unknown)[]} */
  const ends = [];
  const server = await startServer({ after: (end) => void ends.push(end) });
  const telemetry = new Telemetry({
    serviceName: 'load',
    enabled: true,
    store: 'memory',
    ...options,
    batch: { baseUrl: server.url, maxExportBatchSize: EVENTS, scheduledDelayMillis: 60_000 },
    user: { deviceId: 'a-device' },
  });
  await telemetry.ready();
  for (let batch = 0; batch < batches; batch += 1) {
    for (let n = 0; n < EVENTS; n += 1) {
      telemetry.logEvent('item_added', { items: n, total: n * 1.25, express: n % 2 === 0, batch });
    }
    await telemetry.flush();
  }
  await telemetry.shutdown();
  for (const end of ends) await end();
  return server.requests.map(({ path, headers, bytes }) => ({
    path,
    bytes,
    headers: Object.fromEntries(
      ['content-type', 'content-encoding'].flatMap((name) =>
        headers[name] === undefined ? [] : [[name, String(headers[name])]],
      ),
    ),
  }));
}
