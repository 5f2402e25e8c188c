// What `debug: true` prints where there is a terminal, and where there is none.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { dist, folder, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';

/** @returns {Promise<[string, string]>} a program's text, and the endpoint's address */
async function program(/** @type {import('node:test').TestContext} */ t, more = '') {
  const server = await startServer(t);
  const options = { serviceName: 'tested', directory: folder(t), batch: { baseUrl: server.url } };
  const text = `
    telemetry.init({ ...${JSON.stringify(options)}, debug: true });
    for (let n = 0; n < 3; n += 1) telemetry.logEvent('seen', { n, email: 'a@b.example' });
    ${more}
    await telemetry.shutdown();`;
  return [text, server.url];
}

test('a line per cause, per answer and at the end; nothing on stdout, no colours', async (t) => {
  const [text, url] = await program(t);
  const { stdout, stderr } = await run(t, text);
  assert.equal(stdout, '');
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.filter((line) => line.includes('field_left_out')).length, 1);
  const counts = 'accepted 3, delivered 3, fieldsLeftOut 3';
  for (const line of [
    `wasm-telemetry ready: ${url}/api/event_logging/batch, store: files`,
    `wasm-telemetry 200: ${counts}`,
    `wasm-telemetry shut down: ${counts}`,
  ]) {
    assert.ok(lines.includes(line), stderr);
  }
  assert.equal(lines.length, 4, stderr);
  assert.ok(!stderr.includes('a@b.example'));
});

test('no answer is told with where the events are', async (t) => {
  const text = `
    const batch = { baseUrl: 'http://127.0.0.1:9' };
    telemetry.init({ serviceName: 'tested', directory: ${JSON.stringify(folder(t))}, batch, debug: true });
    telemetry.logEvent('kept');
    await telemetry.flush({ timeoutMillis: 500 });`;
  const { stderr } = await run(t, text);
  assert.match(stderr, /^wasm-telemetry no answer: accepted 1, (queued|stored) 1$/m);
});

test('a name cannot steer the terminal', async (t) => {
  const [text] = await program(t, `telemetry.logEvent('seen', { '\\x1b[2J': 'x' });`);
  const { stderr } = await run(t, text);
  assert.ok(stderr.includes('[2J'), stderr);
  assert.ok(!stderr.includes('\x1b'), stderr);
});

for (const [name, env, colours] of /** @type {const} */ ([
  ['colours on a terminal', {}, true],
  ['none with NO_COLOR', { NO_COLOR: '1' }, false],
])) {
  const skip = process.platform !== 'linux' && 'no script(1) of util-linux';
  test(name, { skip }, (t) => {
    const index = JSON.stringify(join(dist, 'index.js'));
    const text = `import { init, shutdown } from ${index};
      init({ serviceName: 'tested', directory: ${JSON.stringify(folder(t))}, debug: true });
      await shutdown();`;
    const { NO_COLOR, ...inherited } = process.env;
    const { stdout, error } = spawnSync(
      'script',
      ['-qec', `"$NODE" --input-type=module -e "$TEXT"`, '/dev/null'],
      {
        env: { ...inherited, ...env, NODE: process.execPath, TEXT: text },
        encoding: 'utf8',
      },
    );
    assert.ifError(error);
    assert.match(stdout, /wasm-telemetry/);
    assert.equal(stdout.includes('\x1b[1mwasm-telemetry\x1b[0m'), colours, stdout);
  });
}
