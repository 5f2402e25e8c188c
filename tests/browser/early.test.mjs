// Pages that are left before the WebAssembly is ready: what they logged arrives at the next visit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { ids, later, logMany, numbers, site, start, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const leave = "location.href = '/other';";
const pages = {
  '/': start() + logMany(),
  '/leaves': start() + logMany() + leave,
  '/other': 'document.title = "other"',
  '/later': start(),
};

/** On the pages of this path the WebAssembly is not compiled until they call `compile()`. */
const slow = (context, path) =>
  context.addInitScript((only) => {
    if (location.pathname !== only) return;
    const { instantiate } = WebAssembly;
    const told = new Promise((resolve) => {
      globalThis.compile = resolve;
    });
    WebAssembly.instantiate = async (...args) => {
      await told;
      return instantiate(...args);
    };
  }, path);

const left = (page) =>
  page.evaluate(() =>
    Object.keys(localStorage).filter((key) => /^wasm-telemetry:(calls|batches)/.test(key)),
  );

test('logged and left in one task: all arrive', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  const page = await open('/leaves');
  await page.waitForURL('**/other');
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => ids(server.events()).size === 20, '20 events');
  assert.deepEqual([...new Set(numbers(server.events()))], upTo(20));
});

test('left before the WebAssembly is compiled: all arrive, once, as they were logged', async (t) => {
  const { server, context, open } = await site(t, browser, {
    ...pages,
    '/leaves': `var codes = [];
      telemetry.logEvent('first', { n: 1, ok: true, text: telemetry.verified('§ checked'), no: 'text' });
      telemetry.init({ serviceName: 'tested', userId: 'early', context: { page: 'one' } });
      telemetry.setUser({ userId: 'changed' });
      telemetry.logEvent('second');
      telemetry.logExperiment({ experimentId: 'new-nav', variationId: 1, userAttributes: { a: [1] } });
      sessionStorage.logged = Date.now();
      ${leave}`,
  });
  await slow(context, '/leaves');
  const page = await open('/leaves');
  await page.waitForURL('**/other');
  assert.equal((await left(page)).length, 1);
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => server.events().length === 3);
  const [first, second, exposure] = server.events();
  assert.deepEqual(first.event_metadata, { n: 1, ok: true, text: '§ checked' });
  assert.equal(first.user_id, 'early');
  assert.equal(first.core_metadata.page, 'one');
  assert.equal(second.event_name, 'second');
  assert.equal(second.user_id, 'changed');
  assert.equal(exposure.experiment_id, 'new-nav');
  assert.equal(exposure.user_attributes, '{"a":[1]}');
  const logged = Number(await page.evaluate('sessionStorage.logged'));
  for (const { timestamp } of server.events()) assert.ok(Date.parse(timestamp) <= logged);
  assert.deepEqual(await left(page), []);
  // The visitor of now is another one.
  await page.evaluate('telemetry.logEvent("now"); telemetry.flush()');
  assert.equal(server.events().at(-1).event_name, 'now');
  assert.equal(server.events().at(-1).user_id, undefined);
  assert.equal(server.events().length, 4);
});

test('a page that comes back takes back what is its own', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  await slow(context, '/');
  const page = await open('/');
  await page.evaluate('var stayed = true');
  await page.goto(`${server.url}/other`);
  assert.equal((await left(page)).length, 1);
  await page.evaluate(() => history.back());
  await until(() => page.evaluate('globalThis.stayed').catch(() => false));
  assert.deepEqual(await left(page), []);
  await page.evaluate('compile(); telemetry.ready().then(() => telemetry.flush())');
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a page that comes back after another one logged for it does not log twice', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  await slow(context, '/');
  const page = await open('/');
  await page.evaluate('var stayed = true');
  await page.goto(`${server.url}/later`);
  await until(() => server.events().length === 20);
  await page.evaluate(() => history.back());
  await until(() => page.evaluate('globalThis.stayed').catch(() => false));
  await page.evaluate(`compile();
    telemetry.logEvent('counted', { n: 20 });
    telemetry.ready().then(() => telemetry.flush())`);
  assert.deepEqual(numbers(server.events()), upTo(21));
});

test('a page that is hidden when its WebAssembly is ready goes away then', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  await slow(context, '/');
  const page = await open('/');
  // What a tab that goes to the background sees.
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  assert.equal((await left(page)).length, 1);
  await page.evaluate('compile(); telemetry.ready()');
  await until(() => server.events().length === 20);
});

for (const [what, more] of [
  ['consent is pending', "consent: 'pending'"],
  ['consent is denied', "consent: 'denied'"],
  ['logging is off', 'enabled: false'],
  ['the kill switch holds', 'killed: true'],
  ['the host wants memory only', "store: 'memory'"],
]) {
  test(`nothing is written where ${what}`, async (t) => {
    const { context, open } = await site(t, browser, {
      ...pages,
      '/leaves': start(more) + logMany() + leave,
    });
    await slow(context, '/leaves');
    const page = await open('/leaves');
    await page.waitForURL('**/other');
    assert.deepEqual(await left(page), []);
  });
}

test('consent that is denied later wipes what an earlier page left', async (t) => {
  const { server, context, open } = await site(t, browser, {
    ...pages,
    '/denied': start("consent: 'denied'"),
  });
  await slow(context, '/leaves');
  const page = await open('/leaves');
  await page.waitForURL('**/other');
  assert.equal((await left(page)).length, 1);
  await page.goto(`${server.url}/denied`);
  await until(async () => (await left(page)).length === 0);
  assert.equal(server.events().length, 0);
});

for (const [what, prepare] of [
  ['there is none', () => Object.defineProperty(window, 'localStorage', { get: () => undefined })],
  [
    'it is forbidden',
    () =>
      Object.defineProperty(window, 'localStorage', {
        get() {
          throw new DOMException('forbidden', 'SecurityError');
        },
      }),
  ],
  [
    'it is full',
    () =>
      (Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError');
      }),
  ],
]) {
  test(`localStorage, where ${what}, is done without`, async (t) => {
    const { server, context, open, problems } = await site(t, browser, pages);
    await context.addInitScript(prepare);
    await slow(context, '/leaves');
    const page = await open('/leaves');
    await page.waitForURL('**/other');
    await page.goto(server.url);
    await until(() => server.events().length === 20);
    assert.deepEqual(problems, []);
  });
}

test('what is garbled there stops nothing', async (t) => {
  const { server, open } = await site(t, browser, {
    ...pages,
    '/': `localStorage['wasm-telemetry:calls:tested:1'] = '{';
      localStorage['wasm-telemetry:calls:tested:2'] = '[{},[["logEvent"],[1],["free",1,[]]]]';
      localStorage['wasm-telemetry:batches:tested:3'] = '{';
      localStorage['wasm-telemetry:batches:tested:01a203f47fd3-ba1a31e9-01e1-4ec1-9ba5-60e5521546df'] =
        '{"lease":0,"attempts":0,"events":1,"bytes":3}\\nabc';
      localStorage['wasm-telemetry:batches:tested:more:4'] = 'of another service';
      ${start()}${logMany()}`,
  });
  const page = await open('/');
  await until(() => ids(server.events()).size === 20);
  await until(async () => (await left(page)).length === 1);
  assert.deepEqual(await left(page), ['wasm-telemetry:batches:tested:more:4']);
});
