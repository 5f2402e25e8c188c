// The endpoint as a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../www/collector/main.mjs', import.meta.url));

/**
 * @param {import('./server.mjs').Scope} t
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
export async function startEndpoint(t, args, env = {}) {
  const child = spawn(process.execPath, [PROGRAM, '--port', '0', ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = /listening on (\S+)/.exec(line) ?? [];
    if (!address) continue;
    child.stdout.resume();
    return {
      address,
      port: new URL(address).port,
      printed: () => printed,
      /** The problems it logged. */
      problems: () =>
        printed
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
      /** @param {NodeJS.Signals} signal @returns {Promise<number | null>} its exit code */
      async stop(signal) {
        const ended = once(child, 'exit');
        child.kill(signal);
        return (await ended)[0];
      },
      signal: (/** @type {NodeJS.Signals} */ signal) => child.kill(signal),
      ended: once(child, 'exit'),
    };
  }
  throw new Error(`the endpoint did not start:\n${printed}`);
}
