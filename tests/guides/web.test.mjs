// The examples of the guides in real Chromium: which events arrive.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { until } from '../support/wait.mjs';
import { brief, open } from './example.mjs';

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
