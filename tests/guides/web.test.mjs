// The examples of the guides in real Chromium: which events arrive.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { later } from '../support/site.mjs';
import { until } from '../support/wait.mjs';
import { brief } from './brief.mjs';
import { open } from './example.mjs';

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('a plain page: a view, a click and an error arrive once the visitor has left', async (t) => {
  const { server, page, go, leave } = await open(t, browser, 'plain', ['main.js']);
  await go();
  await page.click('#buy');
  await page.click('#broken');
  await leave();
  await until(() => server.events().length >= 3);
  const [view, click, failure] = server.events().map(brief);
  assert.deepEqual(view, ['page_viewed', { route: '/basket/:id', narrow: false }]);
  assert.deepEqual(click, ['checkout_started', { items: 3, total: 149.9, currency: 'EUR' }]);
  const [name, { line, ...rest }] = failure;
  assert.deepEqual([name, rest], ['script_failed', { kind: 'TypeError', ours: true }]);
  assert.equal(typeof line, 'number');
  assert.equal(server.events().length, 3);
});

test('React in strict mode: each navigation, click and failure is one event, without ids or messages', async (t) => {
  const { server, page, go, leave } = await open(t, browser, 'react', ['main.jsx']);
  await go();
  await page.click('text=Lamp');
  await page.click('text=Add');
  await page.click('text=Add');
  await page.goBack();
  await page.click('text=Gift');
  await page.waitForSelector('text=This page failed');
  await leave();
  await until(() => server.events().length >= 7);
  const events = server.events().map(brief);
  // React tells the boundary before it runs effects.
  const [[name, { depth, ...rest }]] = events.splice(5, 1);
  assert.deepEqual([name, rest], ['render_failed', { code: 'PRICE_MISSING' }]);
  assert.ok(depth > 1);
  assert.deepEqual(events, [
    ['page_viewed', { route: '/' }],
    ['page_viewed', { route: '/product/:id' }],
    ['item_added', { items: 1 }],
    ['item_added', { items: 2 }],
    ['page_viewed', { route: '/' }],
    ['page_viewed', { route: '/product/:id' }],
  ]);
  const sent = JSON.stringify(server.requests.map(({ body }) => body));
  assert.doesNotMatch(sent, /product\/(4711|free)|no price/);
});

test('a worker that is asked to end, and a service worker, deliver what they logged', async (t) => {
  const scripts = ['main.js', 'worker.js', 'service-worker.js'];
  const { server, page, go, leave } = await open(t, browser, 'workers', scripts);
  const told = (/** @type {string} */ wanted) =>
    server.events().filter(({ event_name }) => event_name === wanted);
  await go();
  await until(() => page.evaluate('navigator.serviceWorker.controller !== null'));
  await page.click('#count');
  await page.waitForSelector('text=1229 primes');
  await page.click('#end');
  await page.waitForSelector('text=ended');
  const [{ event_metadata, core_metadata }] = told('primes_counted');
  assert.equal(event_metadata.primes, 1_229);
  assert.equal(core_metadata.thread, 'worker');

  await go('/again');
  await until(() => told('page_served').length > 0);
  const [served] = told('page_served');
  assert.deepEqual(served.event_metadata, { offline: false, status: 200 });
  assert.equal(served.core_metadata.thread, 'service-worker');
  await leave('primes');
  await until(() => told('page_viewed').length === 2);
});

test('Vue: page views by route pattern, and an error by its code', async (t) => {
  const { server, page, go, leave } = await open(t, browser, 'vue', ['main.js']);
  await go();
  await page.click('text=Lamp');
  await page.click('text=Add (0)');
  await page.goBack();
  await page.click('text=Gift');
  await page.click('text=Add (0)');
  await leave();
  await until(() => server.events().length >= 6);
  assert.deepEqual(server.events().map(brief), [
    ['page_viewed', { route: '/', first: true }],
    ['page_viewed', { route: '/product/:id', first: false }],
    ['item_added', { items: 1 }],
    ['page_viewed', { route: '/', first: false }],
    ['page_viewed', { route: '/product/:id', first: false }],
    ['component_failed', { code: 'PRICE_MISSING' }],
  ]);
  const sent = JSON.stringify(server.requests.map(({ body }) => body));
  assert.doesNotMatch(sent, /4711|free|no price/);
});

test('from Segment: identify, group, page, track and reset', async (t) => {
  const { server, page, go, leave } = await open(t, browser, 'segment', ['main.js']);
  await go();
  await page.click('#buy');
  await leave();
  await until(() => server.events().length >= 3);
  const [view, order, out] = server.events();
  assert.deepEqual(brief(view), ['page_viewed', { route: '/basket' }]);
  assert.equal(view.user_id, undefined);
  assert.deepEqual(brief(order), [
    'order_completed',
    { revenue: 149.9, currency: 'EUR', coupon: true },
  ]);
  const { device_id: visitor, ...user } = order.user_metadata;
  assert.deepEqual(user, { organization_uuid: 'o-3', plan: 'pro', seats: 12 });
  assert.equal(order.user_id, 'u-17');
  assert.equal(out.user_id, undefined);
  assert.deepEqual(Object.keys(out.user_metadata), ['device_id']);
  assert.notEqual(out.user_metadata.device_id, visitor);
  assert.notEqual(out.core_metadata.session_id, order.core_metadata.session_id);
});

for (const [which, arrives] of /** @type {const} */ ([
  ['before', 0],
  ['after', 1],
])) {
  test(`by hand, ${which}: of a click while the endpoint is down, ${arrives} arrives`, async (t) => {
    const { server, context, page, go, leave } = await open(t, browser, 'by-hand', ['main.js']);
    const bought = () =>
      server.accepted().flatMap(({ body }) => body.events ?? JSON.parse(String(body)).events)
        .length;
    server.answerWith(() => ({ status: 503 }));
    await go(`/${which}`);
    await page.click('#buy');
    await leave();
    await until(() => server.requests.length > 0);

    server.answerWith(() => undefined);
    await later(context);
    await go(`/${which}`);
    await until(() => bought() === arrives);
    await page.click('#buy');
    await leave();
    await until(() => bought() === 1 + arrives);
  });
}
