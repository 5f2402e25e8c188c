// `wasm-telemetry/slim`: the host serves the WebAssembly.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bundle, launch } from '../support/browser.mjs';
import { dist } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const module = readFileSync(join(dist, 'wasm-telemetry.wasm'));
const otherVersion = Buffer.from(
  module.toString('latin1').replace(/(?<=wasm-telemetry )\d/, '9'),
  'latin1',
);
const files = {
  '/own.wasm': { type: 'application/wasm', body: module },
  '/unnamed.wasm': { type: 'application/octet-stream', body: module },
  '/other.wasm': { type: 'application/wasm', body: otherVersion },
};

let browser;
let script;

before(async () => {
  [browser, script] = await Promise.all([launch(), bundle('slim.js')]);
});
after(() => browser.close());

/** A page whose first lines log, with `wasm` as given. */
async function visit(t, wasm) {
  const server = await startServer(t);
  const program = `var codes = [], reasons = [];
    telemetry.init({
      serviceName: 'tested', ${wasm === undefined ? '' : `wasm: ${wasm},`}
      batch: { scheduledDelayMillis: 10 },
      onDiagnostic: ({ code, message }) => { codes.push(code); reasons.push(message); },
    });
    telemetry.logEvent('first', { n: 1 });`;
  const page = `<!doctype html><script>${script}</script><script>${program}</script>`;
  server.serve(
    (path) => files[path] ?? (path === '/' ? { type: 'text/html', body: page } : undefined),
  );
  const context = await browser.newContext();
  t.after(() => context.close());
  const visitor = await context.newPage();
  await visitor.goto(server.url);
  return { server, page: visitor };
}

for (const [what, wasm] of Object.entries({
  'an address': `'/own.wasm'`,
  'a URL': `new URL('/own.wasm', location.href)`,
  'a file of another type': `'/unnamed.wasm'`,
  'a response to come': `fetch('/own.wasm')`,
  'its bytes': `fetch('/own.wasm').then((response) => response.arrayBuffer())`,
  'a module': `WebAssembly.compileStreaming(fetch('/own.wasm'))`,
})) {
  test(`from ${what}`, async (t) => {
    const { server } = await visit(t, wasm);
    const [event] = await until(() => server.events().length > 0 && server.events());
    assert.equal(event.event_name, 'first');
  });
}

for (const [what, wasm, reason] of [
  ['nothing', undefined, /needs the option "wasm"/],
  ['a file that is not there', `'/absent.wasm'`, /absent\.wasm: HTTP 404/],
  ['the file of another version', `'/other.wasm'`, /not that of wasm-telemetry \d/],
]) {
  test(`from ${what}: the page goes on, and is told why`, async (t) => {
    const { page } = await visit(t, wasm);
    await page.evaluate('telemetry.ready()');
    assert.deepEqual(await page.evaluate('codes'), ['wasm_unavailable']);
    assert.match(await page.evaluate('reasons[0]'), reason);
    assert.equal(await page.evaluate('telemetry.stats().state'), 'unavailable');
  });
}

test('flush and shutdown wait no longer than they are asked to', async (t) => {
  const { server, page } = await visit(t, 'new Promise((resolve) => (window.give = resolve))');
  for (const method of ['flush', 'shutdown']) {
    const { timedOut } = await page.evaluate(`telemetry.${method}({ timeoutMillis: 1 })`);
    assert.equal(timedOut, true, method);
  }
  await page.evaluate(`give('/own.wasm')`);
  await until(() => server.events().length === 1);
});

test('several instances share one', async (t) => {
  const { server, page } = await visit(t, `'/own.wasm'`);
  await page.evaluate(`var second = new telemetry.Telemetry({ serviceName: 'second' });
    second.logEvent('second');
    second.flush()`);
  await until(() => server.events().length === 2);
});
