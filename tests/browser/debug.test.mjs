// What `debug: true` prints in a page's console.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bundle, launch } from '../support/browser.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

let browser;
let script;

before(async () => {
  [browser, script] = await Promise.all([launch(), bundle()]);
});
after(() => browser.close());

test('a line per cause and per answer, its name in bold', async (t) => {
  const server = await startServer(t);
  const program = `
    telemetry.init({ serviceName: 'tested', batch: { scheduledDelayMillis: 300 }, debug: true });
    for (let n = 0; n < 3; n += 1) telemetry.logEvent('seen', { n, '100%s': 'text' });`;
  const body = `<!doctype html><script>${script}</script><script>${program}</script>`;
  server.serve((path) => (path === '/' ? { type: 'text/html', body } : undefined));
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const lines = [];
  page.on('console', async (message) => {
    if (!message.text().includes('wasm-telemetry')) return;
    const args = await Promise.all(message.args().map((each) => each.jsonValue()));
    lines.push({ type: message.type(), args });
  });
  await page.goto(server.url);
  await until(() => lines.some(({ args }) => args.at(-1).includes('delivered 3')));
  for (const { args } of lines) {
    assert.deepEqual(args.slice(0, 3), ['%cwasm-telemetry%c %s: %s', 'font-weight:bold', '']);
  }
  const told = lines.map(({ type, args: [, , , what, text] }) => [type, String(what), text]);
  assert.equal(told.filter(([, what]) => what === 'field_left_out').length, 1);
  const [[type, , text]] = told.filter(([, what]) => what === 'field_left_out');
  assert.equal(type, 'warning');
  assert.match(text, /100%s/);
  const where = `${server.url}/api/event_logging/batch, store: indexeddb`;
  assert.deepEqual(
    told.find(([, what]) => what === 'ready'),
    ['info', 'ready', where],
  );
  const counts = 'accepted 3, delivered 3, fieldsLeftOut 3';
  assert.deepEqual(
    told.findLast(([, what]) => what === '200'),
    ['info', '200', counts],
  );
});
