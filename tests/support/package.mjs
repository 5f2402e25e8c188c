// The built package, in this process or in one of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from './server.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const dist = join(root, 'pkg', 'dist');

// What whoever runs the tests has set must not decide them.
for (const name of Object.keys(process.env)) {
  if (/^(OTEL_|NODE_ENV$|DO_NOT_TRACK$)/.test(name)) delete process.env[name];
}

export const { Telemetry } = await import(join(dist, 'index.js'));

/** @returns {string} a folder that goes when the test ends */
export function folder(/** @type {import('node:test').TestContext} */ t) {
  const path = mkdtempSync(join(tmpdir(), 'wasm-telemetry-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/**
 * An instance and an endpoint for it; both go when the test ends.
 * @param {import('node:test').TestContext} t
 * @param {Partial<import('../../pkg/index.d.ts').InitOptions>} [options]
 * @param {Parameters<typeof startServer>[1]} [answer]
 */
export async function start(t, options = {}, answer = undefined) {
  const server = await startServer(t, answer);
  const { telemetry, diagnostics, directory } = open(t, server.url, options);
  await telemetry.ready();
  return { server, telemetry, diagnostics, directory };
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} url
 * @param {Partial<import('../../pkg/index.d.ts').InitOptions>} [options]
 */
export function open(t, url, { batch, directory = folder(t), ...options } = {}) {
  /** @type {import('../../pkg/index.d.ts').Diagnostic[]} */
  const diagnostics = [];
  /** @type {import('../../pkg/index.d.ts').Telemetry} */
  const telemetry = new Telemetry({
    serviceName: 'tested',
    directory,
    batch: {
      baseUrl: url,
      // What is logged at once is one batch, also on a slow machine.
      scheduledDelayMillis: 200,
      baseBackoffMillis: 5,
      maxBackoffMillis: 50,
      ...batch,
    },
    onDiagnostic: (/** @type {any} */ diagnostic) => diagnostics.push(diagnostic),
    ...options,
  });
  t.after(() => telemetry.shutdown({ timeoutMillis: 0 }));
  return { telemetry, diagnostics, directory };
}

/** What every ledger fulfils. */
export function sum(/** @type {import('../../pkg/index.d.ts').Ledger} */ ledger) {
  const { delivered, handedOver, queued, inFlight, stored, dropped } = ledger;
  const drops = Object.values(dropped).reduce((total, count) => total + count, 0);
  return delivered + handedOver + queued + inFlight + stored + drops;
}

/**
 * Runs a module's text in a process of its own, to its end. `telemetry` in it is the package; or, with
 * `without`, something whose functions do nothing.
 * @param {import('node:test').TestContext} t
 * @param {string} program
 * @param {{
 *   env?: Record<string, string>, args?: string[], cwd?: string, without?: boolean, limits?: string,
 * }} [options] `limits`: what the shell does before
 * @returns {Promise<{ code: number | null, signal: string | null, stdout: string, stderr: string }>}
 */
export function run(t, program, options = {}) {
  const { env = {}, args = [], cwd = root, without = false, limits = ':' } = options;
  const telemetry = without
    ? 'const telemetry = new Proxy({}, { get: () => () => {} });'
    : `import * as telemetry from ${JSON.stringify(join(dist, 'index.js'))};`;
  const text = `${telemetry}\n${program}`;
  const module = ['--input-type=module', '--eval', text];
  const { PATH = '' } = process.env;
  const child = spawn(
    'sh',
    // The shell gives way to the program.
    [...['-c', `${limits}; exec "$0" "$@"`, process.execPath], ...args, ...module],
    // Nothing is written into the home of whoever runs the tests.
    { cwd, env: { PATH, HOME: folder(t), ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
