// The examples of the guides in real Chromium: which events arrive.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { until } from '../support/wait.mjs';
import { brief } from './brief.mjs';
import { open } from './example.mjs';

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('a plain page: a view, a click and an error, sent as the visitor leaves', async (t) => {
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
  await leave();
  await until(() => told('page_viewed').length === 2);
});
