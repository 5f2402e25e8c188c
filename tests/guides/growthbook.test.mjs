// The real GrowthBook SDK steers sampling and the kill switch while a page is open, and its experiments
// are logged.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { freePort } from '../../tools/rotel.mjs';
import { launch } from '../support/browser.mjs';
import { until } from '../support/wait.mjs';
import { brief } from './brief.mjs';
import { open } from './example.mjs';
import { startGrowthBook } from './growthbook.mjs';

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const experiment = {
  defaultValue: 'Buy',
  rules: [
    {
      key: 'buy-button',
      hashAttribute: 'id',
      seed: 'buy-button',
      hashVersion: 2,
      coverage: 1,
      weights: [0.5, 0.5],
      variations: ['Buy', 'Buy now'],
    },
  ],
};

/** What GrowthBook gives with a notice, and a configuration of ours. */
const features = (/** @type {string} */ notice, /** @type {object} */ telemetry) => ({
  features: {
    'buy-button': experiment,
    notice: { defaultValue: notice },
    telemetry: { defaultValue: telemetry },
  },
});
const calm = { batch: { scheduledDelayMillis: 20 }, sampling: { looked: null }, killed: false };

const openShop = (/** @type {import('node:test').TestContext} */ t, /** @type {string} */ host) => {
  const env = { GROWTHBOOK_HOST: host, GROWTHBOOK_KEY: 'sdk-shop' };
  return open(t, browser, 'growthbook', ['main.js'], env);
};

test('GrowthBook changes sampling and the kill switch of an open page; an experiment is exposed once', async (t) => {
  const growthbook = await startGrowthBook(t, features('open', calm));
  const { server, page, go, leave } = await openShop(t, growthbook.url);
  await go();
  await page.waitForSelector('text=open');
  await until(() => growthbook.streams.size === 1);
  const change = async (/** @type {string} */ notice, /** @type {object} */ telemetry) => {
    growthbook.change(features(notice, telemetry));
    await page.waitForSelector(`text=${notice}`);
  };

  await page.click('#look');
  await change('fewer looks', { ...calm, sampling: { looked: { sample_rate: 0 } } });
  await page.click('#look');
  await change('closed', { ...calm, killed: true });
  await page.click('#look');
  await page.click('#buy');
  await change('broken', { ...calm, batch: { scheduledDelayMillis: -1, sails: 2 } });
  await page.click('#look');
  await page.click('#buy');
  await leave();

  const all = await until(() => {
    const events = server.events();
    return events.some(({ event_name }) => event_name === 'bought') && events;
  });
  const exposures = all.filter(({ event_type }) => event_type === 'GrowthbookExperimentEvent');
  assert.equal(exposures.length, 1);
  const [{ experiment_id, variation_id, user_attributes, device_id }] = exposures;
  assert.equal(experiment_id, 'buy-button');
  assert.ok([0, 1].includes(variation_id));
  assert.deepEqual(JSON.parse(user_attributes), { id: device_id });
  const told = all.filter(({ event_name }) => event_name).map(brief);
  // The first patch may come before WebAssembly, and then its report is not known.
  const begin = told.findIndex(([name]) => name === 'looked');
  assert.deepEqual(told.slice(begin), [
    ['looked', {}],
    ['configured', { changed: 1, rejected: 0 }],
    // Closed: its own word of the change is the first that is not logged.
    ['configured', { changed: 1, rejected: 2 }],
    ['looked', {}],
    ['bought', { items: 1 }],
  ]);
});

test('without GrowthBook the defaults hold', async (t) => {
  const { server, page, go, leave } = await openShop(t, `http://127.0.0.1:${await freePort()}`);
  await go();
  await page.waitForSelector('text=Buy');
  await page.click('#look');
  await leave();
  await until(() => server.events().length > 0);
  assert.deepEqual(server.events().map(brief), [['looked', {}]]);
});
