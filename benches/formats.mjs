// Bytes of an event in each format, as the package in pkg/dist sends it: node benches/formats.mjs
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Telemetry } from '../pkg/dist/index.js';
import { eventName, scenarios } from './peers/inside/events.js';
import { table } from './peers/statistics.mjs';

const events = 200;
const { fields } = scenarios['8 fields'];

/** @type {Buffer[]} */
const bodies = [];
const server = createServer(async (request, response) => {
  bodies.push(await buffer(request));
  response.end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());

const rows = [];
for (const format of /** @type {const} */ (['json', 'otlp-json', 'otlp-protobuf'])) {
  const body = await sent(format);
  const each = [body, gzipSync(body, { level: 3 }), gzipSync(body, { level: 6 })];
  rows.push([format, ...each.map(({ length }) => (length / events).toFixed(1))]);
}
server.close();
const heads = ['bytes per event', 'plain', 'gzip level 3 (Node)', 'gzip level 6 (browsers)'];
console.log(`A batch of ${events} events of 8 fields.\n\n${table(heads, rows)}`);

async function sent(/** @type {'json' | 'otlp-json' | 'otlp-protobuf'} */ format) {
  bodies.length = 0;
  const telemetry = new Telemetry({
    serviceName: 'bench',
    enabled: true,
    format,
    compression: 'none',
    store: 'memory',
    batch: { baseUrl: `http://127.0.0.1:${port}`, maxExportBatchSize: events },
  });
  await telemetry.ready();
  for (let n = 0; n < events; n += 1) telemetry.logEvent(eventName, fields(n));
  await telemetry.shutdown();
  if (bodies.length !== 1) throw new Error(`${bodies.length} requests instead of one`);
  return bodies[0];
}
