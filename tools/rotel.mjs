// The OpenTelemetry collector that tools/setup.sh installs, as a process on the loopback.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toolsBin } from './env.mjs';

const program = join(toolsBin, 'rotel');
const startMillis = 20_000;

/**
 * @returns {Promise<number>} a port that nobody listens on, and that the system gives to no connection
 *   of its own while the collector is away
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (free) return port;
  }
}

/**
 * Starts it, and waits until it takes requests. It ends with this process at the latest.
 * @param {number} port of OTLP/HTTP
 * @param {string[]} args what it does with what it got
 * @param {(text: string) => void} [print] gets what it prints
 */
export async function startRotel(port, args, print = () => {}) {
  if (!existsSync(program)) {
    throw new Error(`the collector is missing (${program}): run \`tools/setup.sh otlp\``);
  }
  let printed = '';
  const child = spawn(
    program,
    [
      ...['start', '--otlp-http-endpoint', `127.0.0.1:${port}`],
      ...['--otlp-grpc-endpoint', '127.0.0.1:0', '--batch-timeout', '50ms', ...args],
    ],
    // Without ROTEL_… and OTEL_… of whoever starts it.
    { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed = (printed + text).slice(-2_000);
    print(text);
  });
  const failed = new Promise((resolve) => child.once('error', resolve).once('exit', resolve));
  const limit = Date.now() + startMillis;
  while (!(await listens(port))) {
    const over = Date.now() > limit || (await Promise.race([failed.then(() => true), sleep(20)]));
    if (!over) continue;
    end();
    throw new Error(`the collector does not listen on port ${port}; it printed:\n${printed}`);
  }
  return child;
}

function listens(/** @type {number} */ port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (/** @type {boolean} */ answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => tell(true)).once('error', () => tell(false));
  });
}
