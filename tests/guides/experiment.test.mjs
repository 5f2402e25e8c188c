// Exposures that are logged right before a redirect, and the check of their ratio.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sampleRatioMismatch } from '../../examples/sample-ratio.mjs';
import { launch } from '../support/browser.mjs';
import { until } from '../support/wait.mjs';
import { open } from './example.mjs';

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('a redirect right after the exposure loses none and doubles none', async (t) => {
  const { server, page, go, leave } = await open(t, browser, 'experiment', ['main.js']);
  const visitors = 8;
  for (let visitor = 0; visitor < visitors; visitor += 1) {
    await go();
    await page.waitForSelector('text=This is');
    // The next one is somebody else.
    await page.evaluate(() => localStorage.removeItem('visitor'));
  }
  await leave();
  // An exposure may come twice where its page is gone before the answer: with the same event_id.
  const events = await until(() => {
    const once = new Map(server.events().map((event) => [event.event_id, event]));
    return once.size === 2 * visitors && [...once.values()];
  });
  const exposures = events.filter(({ experiment_id }) => experiment_id === 'landing');
  assert.equal(exposures.length, visitors);
  assert.equal(new Set(exposures.map(({ device_id }) => device_id)).size, visitors);
  // Whoever was to go to the new page did.
  const views = new Map(
    events.flatMap(({ event_metadata, user_metadata }) =>
      event_metadata ? [[user_metadata.device_id, event_metadata.route]] : [],
    ),
  );
  for (const { device_id, variation_id } of exposures) {
    assert.equal(views.get(device_id), ['/', '/new'][variation_id]);
  }
});

test('the ratio: by chance, by a fault, and by weights', () => {
  const mismatch = (/** @type {number[]} */ users, /** @type {number[]} */ weights) =>
    sampleRatioMismatch(users, weights).mismatch;
  assert.equal(sampleRatioMismatch([5_200, 4_800], [0.5, 0.5]).chiSquare, 16);
  assert.equal(mismatch([5_200, 4_800], [0.5, 0.5]), true);
  assert.equal(mismatch([5_060, 4_940], [0.5, 0.5]), false);
  assert.equal(mismatch([3_400, 3_300, 3_300], [0.34, 0.33, 0.33]), false);
  assert.equal(mismatch([3_600, 3_300, 3_100], [1, 1, 1]), true);
});
