// The demo as `make demo` runs it: its page and its collector, on ports of their own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { folder, root } from '../support/package.mjs';

/** @returns {Promise<string>} its address; it ends with the test */
export async function startDemo(/** @type {import('node:test').TestContext} */ t) {
  const { buildPage } = await import('../../www/build.mjs');
  const page = await buildPage();
  const program = join(root, 'www', 'collector', 'demo', 'main.mjs');
  const data = join(folder(t), 'telemetry.db');
  const args = [program, '--port', '0', '--db', data, '--page', page];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit');
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = line.match(/listening on (\S+)/) ?? [];
    if (address) return address;
  }
  throw new Error('the collector did not start (its message is above)');
}

/** The page's looks: how wide, and which scheme. */
export const looks = [
  { name: 'wide', viewport: { width: 1_440, height: 900 }, colorScheme: 'light' },
  { name: 'wide-dark', viewport: { width: 1_440, height: 900 }, colorScheme: 'dark' },
  { name: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
];
