// What only a terminal gets: colours, and a line that changes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { leave, program } from './support.mjs';

/** Node itself can't make a terminal. */
const python = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

function onTerminal(args, env = {}, heard = (_output) => {}) {
  const { PATH = '' } = process.env;
  const child = spawn('python3', ['-c', python, process.execPath, program, ...args], {
    env: { PATH, TERM: 'xterm', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
    heard(output);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

/** Begins what a terminal obeys. */
const control = '\u001b';

test('a list has colours, and with NO_COLOR none', {
  skip: process.platform === 'win32',
}, async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 7 });
  const [name] = readdirSync(directory);
  truncateSync(join(directory, name), 40);
  const { status, output } = await onTerminal(['inspect', directory]);
  assert.equal(status, 1);
  assert.ok(output.includes(`${control}[31m${name.slice(13, 21)}  ?`), output);
  const plain = await onTerminal(['inspect', directory], { NO_COLOR: '1' });
  assert.ok(plain.output.includes(name.slice(13, 21)));
  assert.ok(!plain.output.includes(control), plain.output);
});

test('a drain says how far it is in one line', {
  skip: process.platform === 'win32',
}, async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 20 });
  let shown = '';
  const half = `\r${control}[Kdelivered 10 of 20 events`;
  // The third answer comes when the second has been shown.
  const server = await startServer(t, async (_, index) => {
    if (index === 2) await until(() => shown.includes(half));
    return {};
  });
  const args = ['inspect', directory, '--drain', server.url];
  const { status, output } = await onTerminal(args, {}, (output) => {
    shown = output;
  });
  assert.equal(status, 0);
  assert.match(output, /^sending 20 events in 4 batches to /);
  assert.ok(
    output.endsWith(`\r${control}[Kdelivered  20 events\r\nleft       nothing\r\n`),
    output,
  );
});
