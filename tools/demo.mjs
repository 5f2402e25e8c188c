// Builds the demo's page, starts its collector, runs the command-line example, and waits for Ctrl-C;
// with --check it drives the page in Chromium instead, and ends with what passed.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { buildPage } from '../www/build.mjs';
import { checkDemo } from './demo-check.mjs';
import { root } from './env.mjs';
import { freePort, startRotel } from './rotel.mjs';

const HELP = `Usage: node tools/demo.mjs [options]

  --port N        port of the page and the collector, 0 for any free one (default 8787, with --check 0)
  --format otlp   the page sends OTLP as protobuf, the command-line program as JSON, and both pass
                  through an OpenTelemetry collector, which exports to the demo's own
  --check         open the page in headless Chromium, put it through an outage, and check what arrived
  --help          print this and leave

Environment:
  CHROMIUM   the browser that --check runs, if it is not on the PATH
`;

const folder = join(root, '.demo');
const example = join(root, 'examples', 'cli', 'wordcount.mjs');
const counted = [join(root, 'package.json'), join(root, 'tools', 'demo.mjs')];

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill();
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => process.exit(signal === 'SIGINT' ? 0 : 143));
}

try {
  await main();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      format: { type: 'string', default: 'json' },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (!['json', 'otlp'].includes(values.format)) {
    throw new Error(`--format must be json or otlp, not ${values.format}`);
  }
  if (!existsSync(join(root, 'pkg', 'dist', 'index.js'))) {
    throw new Error('the package is not built: run `make build` first');
  }
  // A check counts everything there is, so it starts from nothing.
  const data = values.check ? join(folder, 'check') : folder;
  if (values.check) rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });

  console.log('building the page');
  const otlp = values.format === 'otlp' ? await freePort() : undefined;
  const page = await buildPage(otlp === undefined ? 'json' : 'otlp-protobuf');
  const port = values.port ?? (values.check ? '0' : '8787');
  const address = await startCollector(port, join(data, 'telemetry.db'), page, otlp);
  const left = await runExample(address, data, otlp);

  if (values.check) {
    const screenshot = join(folder, 'outage.png');
    const failed = await checkDemo({ address, screenshot, left, otlp: otlp !== undefined });
    process.exit(failed > 0 ? 1 : 0);
  }
  invite(address, join(data, 'telemetry.db'), exampleVariables(address, otlp));
}

/**
 * @param {string} port
 * @param {string} database
 * @param {string} page
 * @param {number} [otlp] port of an OpenTelemetry collector before it
 * @returns {Promise<string>} the collector's address
 */
async function startCollector(port, database, page, otlp) {
  const program = join(root, 'www', 'collector', 'demo', 'main.mjs');
  const args = [program, '--port', port, '--db', database, '--page', page];
  if (otlp) args.push('--otlp', local(otlp));
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /listening on (\S+)/.exec(line)?.[1];
    if (!address) continue;
    endWith(child, 'the collector');
    if (otlp) await startOpenTelemetry(otlp, address);
    return address;
  }
  throw new Error('the collector did not start (its message is above)');
}

async function startOpenTelemetry(/** @type {number} */ port, /** @type {string} */ address) {
  const child = await startRotel(port, [
    ...['--exporter', 'otlp', '--otlp-exporter-protocol', 'http'],
    ...['--otlp-exporter-endpoint', `${address}/exported`],
  ]);
  endWith(child, 'the OpenTelemetry collector');
  console.log(
    `OpenTelemetry collector at ${local(port)}, exporting to ${address}/exported/v1/logs`,
  );
}

function endWith(
  /** @type {import('node:child_process').ChildProcess} */ child,
  /** @type {string} */ name,
) {
  child.on('exit', () => {
    console.error(`demo: ${name} ended`);
    process.exit(1);
  });
}

function local(/** @type {number} */ port) {
  return `http://127.0.0.1:${port}`;
}

/** @returns {Record<string, string>} */
function exampleVariables(/** @type {string} */ address, /** @type {number | undefined} */ otlp) {
  if (otlp === undefined) return { TELEMETRY_URL: address };
  return { TELEMETRY_URL: local(otlp), TELEMETRY_FORMAT: 'otlp-json' };
}

/**
 * Runs the example twice: it ends without waiting, so that the second run delivers what the first left.
 *
 * @returns {Promise<number>} how many finished runs arrived, of the two
 */
async function runExample(
  /** @type {string} */ address,
  /** @type {string} */ data,
  /** @type {number | undefined} */ otlp,
) {
  const files = counted.map((file) => relative(root, file));
  console.log(`\n$ node examples/cli/wordcount.mjs ${files.join(' ')}     # twice`);
  const env = {
    ...process.env,
    ...exampleVariables(address, otlp),
    XDG_STATE_HOME: join(data, 'state'),
  };
  for (const _ of [1, 2]) {
    const child = spawn(process.execPath, [example, ...files], {
      cwd: root,
      env,
      stdio: 'inherit',
    });
    children.add(child);
    const code = await new Promise((resolve) => child.on('exit', resolve));
    children.delete(child);
    if (code !== 0) throw new Error(`the example ended with ${code}`);
  }
  const arrived = () =>
    ask(
      address,
      `SELECT event_name AS event, count(*) AS arrived, max(received_at) AS last_received
       FROM events WHERE service = 'wordcount' GROUP BY event_name ORDER BY arrived, event_name`,
    );
  let table = await arrived();
  const finished = () => Number(table.rows.find(([name]) => name === 'command_finished')?.[1] ?? 0);
  // An OpenTelemetry collector answers first and exports then.
  for (let tries = 0; otlp && tries < 100 && finished() === 0; tries += 1) {
    await sleep(50);
    table = await arrived();
  }
  console.log('\narrived from it so far; the last run’s own events come with the next run');
  printTable(table.columns, table.rows);
  return finished();
}

/** @returns {Promise<{ columns: string[], rows: unknown[][] }>} */
async function ask(/** @type {string} */ address, /** @type {string} */ sql) {
  const response = await fetch(`${address}/api/query`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sql }),
  });
  const body = /** @type {any} */ (await response.json());
  if (!response.ok) throw new Error(body.error.message);
  return body;
}

function printTable(/** @type {string[]} */ columns, /** @type {unknown[][]} */ rows) {
  const lines = [columns, ...rows.map((row) => row.map(String))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  for (const line of lines) {
    console.log(`  ${line.map((text, i) => text.padEnd(widths[i])).join('   ')}`.trimEnd());
  }
}

function invite(
  /** @type {string} */ address,
  /** @type {string} */ database,
  /** @type {Record<string, string>} */ variables,
) {
  const example = Object.entries(variables).map((pair) => pair.join('='));
  console.log(`
The page      ${address}
The database  ${relative(process.cwd(), database)}

On the page, log 100 events, set the server to Down, log more, reload, and set it to OK again:
every event arrives, and the ledger stays balanced. Or from another terminal:

  curl -s ${address}/api/state
  curl -s ${address}/api/query -H 'Content-Type: application/json' \\
    -d '{"sql":"SELECT event_name, count(*) FROM events GROUP BY event_name"}'
  curl -s -X PUT ${address}/api/config -H 'Content-Type: application/json' \\
    -d '{"killed":true}'
  ${example.join(' ')} node examples/cli/wordcount.mjs package.json

Ctrl-C ends it.`);
}
