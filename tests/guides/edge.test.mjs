// The edge example, bundled as wrangler would and run by workerd itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { ensureInstalled } from '../../tools/install.mjs';
import { freePort } from '../../tools/rotel.mjs';
import { dist, folder, root } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { brief } from './brief.mjs';

const edge = join(root, 'examples', 'edge');
ensureInstalled(edge);

test('workerd: each request is one event, without its address', async (t) => {
  const project = folder(t);
  mkdirSync(join(project, 'dist'));
  copyFileSync(join(edge, 'shop.capnp'), join(project, 'shop.capnp'));
  copyFileSync(join(dist, 'wasm-telemetry.wasm'), join(project, 'dist', 'wasm-telemetry.wasm'));
  await build({
    entryPoints: [join(edge, 'worker.js')],
    outfile: join(project, 'dist', 'worker.js'),
    bundle: true,
    format: 'esm',
    conditions: ['workerd'],
    external: ['cloudflare:workers', '*.wasm'],
    logLevel: 'error',
  });

  const server = await startServer(t);
  const address = `127.0.0.1:${await freePort()}`;
  const workerd = spawn(
    join(edge, 'node_modules', '@cloudflare', workerdFor(process.arch), 'bin', 'workerd'),
    ['serve', 'shop.capnp', '--socket-addr', `http=${address}`],
    { cwd: project, env: { TELEMETRY_URL: server.url }, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  t.after(() => workerd.kill('SIGKILL'));
  const get = (/** @type {string} */ path) => fetch(`http://${address}${path}`);
  await until(() => get('/basket/4711').catch(() => undefined), 'workerd answers');
  await get('/basket/4711/secret');
  await until(() => server.events().length >= 2);
  assert.deepEqual(
    server
      .events()
      .map(brief)
      .map(([name, { route, status }]) => [name, route, status]),
    [
      ['request_served', '/basket/:id', 200],
      ['request_served', 'other', 404],
    ],
  );
  assert.doesNotMatch(JSON.stringify(server.requests.map(({ body }) => body)), /4711/);
});

function workerdFor(/** @type {string} */ arch) {
  return `workerd-${process.platform}-${arch === 'x64' ? '64' : arch}`;
}
