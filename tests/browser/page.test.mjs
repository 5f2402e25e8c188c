// The package in real pages: an outage and a reload, consent, policies, a dead endpoint.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { ids, logMany, numbers, options, site, start, stats, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const logTwenty = (more) => start(more) + logMany();

// A page that went away in the middle of an export leaves the batch under its lease.
const leaseMillis = 120_000;

test('the first line of a page may log', async (t) => {
  const { server, open, problems } = await site(t, browser, {
    '/': `var codes = [];
      telemetry.logEvent('before init');
      telemetry.init(${options()});
      telemetry.logEvent('after', { n: 1, ok: true });
      telemetry.logEvent('vouched', { text: telemetry.verified('checked') });`,
  });
  const page = await open('/');
  await until(() => server.events().length === 3);
  const events = server.events();
  assert.deepEqual(
    events.map(({ event_name }) => event_name),
    ['before init', 'after', 'vouched'],
  );
  assert.deepEqual(events[1].event_metadata, { n: 1, ok: true });
  assert.deepEqual(events[2].event_metadata, { text: 'checked' });
  await until(async () => (await stats(page)).ledger.delivered === 3);
  const { state, store } = await stats(page);
  assert.equal(state, 'running');
  assert.equal(store.kind, 'indexeddb');
  assert.deepEqual(await page.evaluate('codes'), []);
  assert.deepEqual(problems, []);
  assert.equal(server.requests[0].headers.cookie, undefined);
});

test('an outage, and a reload in it: all events arrive, once', async (t) => {
  const { server, open } = await site(t, browser, { '/': logTwenty(), '/later': start() });
  server.answerWith(() => ({ status: 503 }));
  const page = await open('/');
  await until(async () => (await stats(page)).store.events === 20);
  await page.goto(`${server.url}/later`);
  // Not before: an answer that no page is left to see would bring the batch a second time.
  server.answerWith(() => undefined);
  await until(() => server.events().length >= 20, '20 events', leaseMillis);
  await until(async () => (await stats(page)).store.events === 0);
  assert.deepEqual(numbers(server.events()), upTo(20));
  assert.equal(ids(server.events()).size, 20);
});

test('a browser that is offline keeps its events, and spends no attempt', async (t) => {
  const { server, context, open } = await site(t, browser, { '/': start() });
  const page = await open('/');
  await page.evaluate(() => telemetry.ready());
  await context.setOffline(true);
  await page.evaluate(() => {
    for (let n = 0; n < 20; n += 1) telemetry.logEvent('counted', { n });
  });
  await until(async () => (await stats(page)).endpoint.online === false);
  assert.equal(server.requests.length, 0);
  await context.setOffline(false);
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('setConsent(denied) while the WebAssembly loads wipes what was kept', async (t) => {
  const { server, context, open } = await site(t, browser, {
    '/': `${logTwenty()}
      var pending = telemetry.updateConfig({ batch: { maxAttempts: 'many' } });
      var state = telemetry.stats().state;
      telemetry.setConsent('denied');
      telemetry.logEvent('unheard');
      telemetry.setConsent('granted');
      telemetry.logEvent('heard');
      compile();`,
  });
  await context.addInitScript(() => {
    const { instantiate } = WebAssembly;
    const told = new Promise((resolve) => {
      globalThis.compile = resolve;
    });
    WebAssembly.instantiate = async (...args) => {
      await told;
      return instantiate(...args);
    };
  });
  const page = await open('/');
  await until(() => server.events().length === 1);
  assert.equal(server.events()[0].event_name, 'heard');
  assert.equal(await page.evaluate('state'), 'loading');
  assert.deepEqual(await page.evaluate('pending'), { changed: [], rejected: [], pending: true });
  assert.deepEqual(await page.evaluate('codes'), ['config_rejected']);
  assert.equal((await stats(page)).ledger.suppressed, 21);
});

test("a strict policy needs 'wasm-unsafe-eval', and nothing more", async (t) => {
  const { server, open, problems } = await site(
    t,
    browser,
    { '/': logTwenty() },
    { 'Content-Security-Policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" },
  );
  const page = await open('/');
  await until(() => server.events().length === 20);
  assert.deepEqual(await page.evaluate('codes'), []);
  assert.deepEqual(problems, []);
});

test('a policy that forbids WebAssembly: the page goes on, and is told once', async (t) => {
  const { server, open, problems } = await site(
    t,
    browser,
    {
      '/': `${logTwenty()}
        var after = telemetry.ready().then(() => telemetry.flush());`,
    },
    { 'Content-Security-Policy': "default-src 'self'" },
  );
  const page = await open('/');
  const report = await page.evaluate('after');
  assert.equal(report.delivered, 0);
  assert.equal((await stats(page)).state, 'unavailable');
  assert.deepEqual(await page.evaluate('codes'), ['wasm_unavailable']);
  assert.deepEqual(problems, []);
  assert.equal(server.requests.length, 0);
});

test('a dead endpoint fills no console and makes no storm', async (t) => {
  const { server, open } = await site(t, browser, { '/': logTwenty('debug: false') });
  server.answerWith(() => ({ status: 0 }));
  const page = await open('/');
  const own = [];
  page.on('console', (message) => {
    if (message.location().url.endsWith('telemetry.js')) own.push(message.text());
  });
  await until(() => server.requests.length >= 3);
  assert.ok(
    own.every((text) => text.startsWith('Failed to load resource')),
    own.join('\n'),
  );
});
