// The command, and stores as real processes leave them.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../support/package.mjs';

export const program = join(root, 'pkg/bin/wasm-telemetry.js');

/** Nobody listens there. */
export const nowhere = 'http://127.0.0.1:1';

/**
 * Runs the command to its end.
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>}
 */
export function command(args, env = {}) {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [program, ...args], { env: { PATH, HOME, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

export const inspect = (...args) => command(['inspect', ...args]);

export async function inspectJson(...args) {
  const { status, stdout, stderr } = await inspect(...args, '--json');
  if (stdout === '') throw new Error(`${status}: ${stderr}`);
  return { status, ...JSON.parse(stdout) };
}

/**
 * A process that logs `events` events, `n` from 0 on, in batches of five, and ends as `end` says.
 * @param {import('node:test').TestContext} t
 * @param {string} directory
 * @param {{ url?: string, events?: number, end?: string, options?: object, env?: Record<string, string> }} [how]
 */
export function leave(t, directory, { url = nowhere, events = 12, end, options, env } = {}) {
  const batch = { baseUrl: url, maxExportBatchSize: 5, scheduledDelayMillis: 60_000 };
  const given = { serviceName: 'left behind', directory, batch, ...options };
  return run(
    t,
    `telemetry.init(${JSON.stringify(given)});
    for (let n = 0; n < ${events}; n += 1) telemetry.logEvent('counted', { n });
    ${end ?? 'process.exit()'}`,
    { env },
  );
}

/** Everything that can be told of a folder's files, so that a change shows. */
export function state(directory) {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .sort()
    .map((name) => {
      const { mtimeMs, ctimeMs, size, mode, ino } = lstatSync(join(directory, name));
      const isFile = (mode & 0o170000) === 0o100000;
      const hash = isFile && createHash('sha256').update(readFileSync(join(directory, name)));
      return { name, mtimeMs, ctimeMs, size, mode, ino, sum: hash ? hash.digest('hex') : '' };
    });
}
