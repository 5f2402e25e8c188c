// The server of the guide: several instances that share a folder, and a graceful end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../tools/rotel.mjs';
import { folder } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { brief } from './brief.mjs';
import { start } from './process.mjs';

/**
 * A server that is up.
 * @param {import('node:test').TestContext} t
 * @param {string} home
 * @param {string} url
 */
async function serve(t, home, url, instance = '0') {
  const env = { PORT: '0', INSTANCE: instance, STATE: home, TELEMETRY_URL: url };
  const { child, ended, said } = start(t, 'server/server.mjs', { home, env });
  await until(() => said().includes('\n'), 'the server says its port');
  const base = `http://127.0.0.1:${said().trim()}`;
  return {
    get: async (/** @type {string} */ path) => {
      await (await fetch(base + path, { headers: { connection: 'close' } })).text();
    },
    async stop() {
      child.kill('SIGTERM');
      const { code, stdout } = await ended;
      return { code, report: JSON.parse(stdout.trim().split('\n')[1]) };
    },
  };
}

test('SIGTERM: what was logged is delivered before the process ends', async (t) => {
  const server = await startServer(t);
  const shop = await serve(t, folder(t), server.url);
  for (const path of ['/basket/4711', '/health', '/basket/4711/secret']) await shop.get(path);
  const { code, report } = await shop.stop();
  assert.deepEqual(
    { code, report },
    { code: 0, report: { delivered: 3, stored: 0, timedOut: false } },
  );
  const told = server.events().map(brief);
  assert.deepEqual(
    told.map(([name, { route, status, complete }]) => [name, route, status, complete]),
    [
      ['request_served', '/basket/:id', 200, true],
      ['request_served', '/health', 200, true],
      ['request_served', 'other', 404, true],
    ],
  );
  assert.doesNotMatch(JSON.stringify(server.requests.map(({ body }) => body)), /4711/);
});

test('two instances, and an endpoint that is down as they end: the next one delivers, each event once', async (t) => {
  const home = folder(t);
  const dead = `http://127.0.0.1:${await freePort()}`;
  const instances = await Promise.all(['0', '1'].map((n) => serve(t, home, dead, n)));
  for (const { get } of instances) for (let n = 0; n < 5; n += 1) await get('/health');
  const reports = await Promise.all(instances.map(({ stop }) => stop()));
  assert.deepEqual(
    reports.map(({ code }) => code),
    [0, 0],
  );

  const server = await startServer(t);
  const next = await serve(t, home, server.url);
  await until(() => server.events().length >= 10);
  await next.stop();
  assert.equal(new Set(server.events().map(({ event_id }) => event_id)).size, 10);
  assert.equal(server.events().length, 10);
});
