// The banner of the guide: what leaves before, after yes, after no, and under Global Privacy Control.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { stored } from '../support/site.mjs';
import { until } from '../support/wait.mjs';
import { open } from './example.mjs';

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const names = (/** @type {any[]} */ events) => events.map(({ event_name }) => event_name);
const shop = (/** @type {import('node:test').TestContext} */ t) =>
  open(t, browser, 'consent', ['main.js']);

/** What the page's store holds, once the package has made it. */
async function kept(/** @type {import('playwright-core').Page} */ page) {
  const name = 'wasm-telemetry:shop';
  const there = (/** @type {string} */ wanted) =>
    indexedDB.databases().then((all) => all.some(({ name }) => name === wanted));
  await until(() => page.evaluate(there, name), 'the store is there');
  return stored(page, 'shop');
}

test('no answer: nothing is sent or stored; yes: what this page logged follows', async (t) => {
  const { server, page, go, leave } = await shop(t);
  await go();
  await page.click('#buy');
  await go('/');
  assert.deepEqual(await kept(page), []);
  assert.equal(server.requests.length, 0);

  await page.click('text=Yes');
  await page.click('#buy');
  await leave();
  await until(() => server.events().length >= 2);
  assert.deepEqual(names(server.events()), ['page_viewed', 'bought']);

  await go();
  assert.equal(await page.isVisible('#banner'), false);
  await leave();
  await until(() => server.events().length >= 3);
});

test('no: nothing leaves, also from later pages, until the mind changes', async (t) => {
  const { server, page, go, leave } = await shop(t);
  await go();
  await page.click('text=No');
  await page.click('#buy');
  await go();
  assert.equal(await page.isVisible('#banner'), false);
  await page.click('#buy');
  assert.deepEqual(await kept(page), []);

  await page.click('text=Privacy');
  await page.click('text=Yes');
  await page.click('#buy');
  await leave();
  await until(() => server.events().length > 0);
  assert.deepEqual(names(server.events()), ['bought']);
});

test('Global Privacy Control: nothing is logged, and nobody is asked', async (t) => {
  const { server, context, page, go } = await shop(t);
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });
  });
  await go();
  assert.equal(await page.isVisible('#banner'), false);
  await page.click('#buy');
  await go();
  assert.equal(server.requests.length, 0);
});
