// The command-line examples: with an endpoint, without, and after days without.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../tools/rotel.mjs';
import { folder, root } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { brief } from './brief.mjs';
import { start } from './process.mjs';

const counted = join(root, 'LICENSE-MIT');
const names = (/** @type {any[]} */ events) => events.map(({ event_name }) => event_name);
const run = (
  /** @type {Parameters<typeof start>[0]} */ t,
  /** @type {string} */ file,
  /** @type {Parameters<typeof start>[2]} */ options,
) => start(t, file, options).ended;

test('a tool that ends by itself has delivered', async (t) => {
  const server = await startServer(t);
  const env = { TELEMETRY_URL: server.url };
  const { code, stdout } = await run(t, 'cli/smallest.mjs', { home: folder(t), env, args: ['-v'] });
  assert.deepEqual([code, stdout], [0, 'done\n']);
  assert.deepEqual(server.events().map(brief), [['command_run', { args: 1, terminal: false }]]);
});

test('a tool that ends by process.exit(): its events go out with the next run, days later too', async (t) => {
  const home = folder(t);
  const dead = { TELEMETRY_URL: `http://127.0.0.1:${await freePort()}` };
  for (const daysAgo of [8, 3, 2]) {
    const { code, stdout } = await run(t, 'cli/wordcount.mjs', {
      ...{ home, daysAgo, env: dead },
      args: [counted],
    });
    assert.equal(code, 0);
    assert.match(stdout, /LICENSE-MIT\n$/);
  }
  const server = await startServer(t);
  const env = { TELEMETRY_URL: server.url };
  const { code } = await run(t, 'cli/wordcount.mjs', { home, env, args: ['/nowhere/secret.txt'] });
  assert.equal(code, 1);

  // Three events of each run; those of eight days ago are too old, and counted. On a busy machine half a
  // second may not do for all of them: the next runs go on.
  const arrived = () => [
    ...new Map(server.events().map((event) => [event.event_id, event])).values(),
  ];
  const old = () =>
    arrived().filter(({ timestamp }) => Date.parse(timestamp) < Date.now() - 86_400_000);
  await until(async () => {
    await run(t, 'cli/wordcount.mjs', { home, env, args: [counted] });
    return old().length === 6 && names(arrived()).includes('file_failed');
  });
  const three = ['command_finished', 'command_started', 'file_counted'];
  assert.deepEqual(names(old()).sort(), [...three, ...three].sort());
  const dropped = server.requests.map(({ body }) => body.batch.dropped?.expired ?? 0);
  assert.equal(Math.max(...dropped), 3);
  assert.doesNotMatch(JSON.stringify(server.events()), /LICENSE|secret/);
});

test('DO_NOT_TRACK: nothing is sent and nothing stored', async (t) => {
  const server = await startServer(t);
  const home = folder(t);
  const env = { TELEMETRY_URL: server.url };
  await run(t, 'cli/wordcount.mjs', { home, env: { ...env, DO_NOT_TRACK: '1' }, args: [counted] });
  await run(t, 'cli/smallest.mjs', { home, env: { ...env, DO_NOT_TRACK: '1' } });
  assert.deepEqual(readdirSync(home), []);
  assert.equal(server.requests.length, 0);
});
