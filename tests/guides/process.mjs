// The examples for Node, each in a process and a home of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/package.mjs';

const clock = pathToFileURL(join(root, 'tests', 'support', 'clock.mjs')).href;
const DAY = 86_400_000;

/**
 * @param {import('node:test').TestContext} t
 * @param {string} file in examples/
 * @param {{ home: string, args?: string[], env?: Record<string, string>, daysAgo?: number }} options
 */
export function start(t, file, { home, args = [], env = {}, daysAgo = 0 }) {
  const child = spawn(
    process.execPath,
    ['--import', clock, join(root, 'examples', file), ...args],
    {
      env: { HOME: home, CLOCK_SHIFT: String(-daysAgo * DAY), ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout }));
  return { child, ended, said: () => stdout };
}
