// What the endpoint takes on the loopback, in requests and events per second; and what it keeps when it
// is killed. The sender runs on the same machine and takes its share of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEndpoint } from '../../tests/support/endpoint.mjs';
import { Telemetry } from '../../tests/support/package.mjs';
import { bodies, EVENTS } from './bodies.mjs';
import { drive } from './drive.mjs';
import { killedUnderLoad, UNLIMITED } from './kill.mjs';

const HELP = `Usage: node benches/endpoint/main.mjs [options]

  --batches N       of 200 events, for each row (default 500)
  --connections N   at once (default 16)
  --help            print this and leave
`;

const { values } = parseArgs({
  options: {
    batches: { type: 'string', default: '500' },
    connections: { type: 'string', default: '16' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [batches, connections] = [values.batches, values.connections].map((given) => {
  const number = Number(given);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`load: "${given}" is not a whole number above 0`);
  return process.exit(1);
});

const VARIANTS = /** @type {const} */ ([
  { name: 'json', format: 'json', compression: 'none' },
  { name: 'json, gzip', format: 'json', compression: 'gzip' },
  { name: 'otlp-protobuf', format: 'otlp-protobuf', compression: 'none' },
  { name: 'otlp-protobuf, gzip', format: 'otlp-protobuf', compression: 'gzip' },
]);

/** @type {(() => unknown)[]} */
const ends = [];
const scope = { after: (/** @type {() => unknown} */ end) => void ends.push(end) };
const folder = mkdtempSync(join(tmpdir(), 'endpoint-load-'));
try {
  console.log(`${batches} batches of ${EVENTS} events, ${connections} connections\n`);
  row('', 'requests/s', 'events/s', 'p50 ms', 'p99 ms', 'KB/batch');
  for (const [index, { name, format, compression }] of VARIANTS.entries()) {
    const requests = await bodies(Telemetry, { format, compression }, batches);
    const db = join(folder, `${index}.db`);
    const endpoint = await startEndpoint(scope, ['--db', db, ...UNLIMITED]);
    const { seconds, latencies } = await drive(endpoint.address, requests, { connections });
    await endpoint.stop('SIGTERM');
    latencies.sort((a, b) => a - b);
    const at = (/** @type {number} */ share) =>
      latencies[Math.floor(share * (latencies.length - 1))].toFixed(1);
    const bytes = requests.reduce((sum, each) => sum + each.bytes.length, 0) / requests.length;
    const perSecond = requests.length / seconds;
    row(
      name,
      perSecond.toFixed(0),
      (perSecond * EVENTS).toFixed(0),
      at(0.5),
      at(0.99),
      (bytes / 1_024).toFixed(1),
    );
  }
  const requests = await bodies(Telemetry, { format: 'json', compression: 'none' }, batches);
  const end = await killedUnderLoad(scope, folder, requests, 3);
  console.log(`
killed ${end.killed} times under load: ${end.answered} batches answered with 200, ${end.lost} of them missing;
${end.repeated} requests sent again, ${end.duplicates} events came twice, ${end.events} of ${batches * EVENTS} are there once`);
  if (end.lost > 0 || end.events !== batches * EVENTS) process.exitCode = 1;
} finally {
  for (const end of ends) await end();
  rmSync(folder, { recursive: true, force: true });
}

function row(/** @type {string} */ first, /** @type {string[]} */ ...others) {
  console.log(first.padEnd(20) + others.map((text) => text.padStart(12)).join(''));
}
