// Consent in real pages: before it is given nothing is written or sent, and a denial reaches the other tabs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crash, launch } from '../support/browser.mjs';
import { idle, site, start, stats, stored } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const log = `
  telemetry.logEvent('held', { n: 1 });
  telemetry.logExperiment({ experimentId: 'held', variationId: 0 });`;
const pages = {
  '/pending': `${start("consent: 'pending', durability: 'write-ahead'")}${log}`,
  '/early': `${start("consent: 'pending'")}${log} location.href = '/other';`,
  '/before': `telemetry.setConsent('pending'); ${start()}${log} location.href = '/other';`,
  '/other': 'document.title = "other"',
  '/': start(idle),
  '/granted': start(`${idle}, consent: 'granted'`),
  '/leaves': `${start()}${log} location.href = '/other';`,
  '/private': start(`${idle}, respectGpc: true`),
};

const written = (page) =>
  page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('wasm-telemetry')));
const consent = async (page) => (await stats(page)).config.consent;

for (const [how, go] of [
  ['left', (page, url) => page.goto(`${url}/other`)],
  ['closed', (page) => page.close()],
  ['crashed', (page) => crash(page)],
]) {
  test(`a page with pending consent is ${how}: nothing is written or sent`, async (t) => {
    const { server, open } = await site(t, browser, pages);
    const page = await open('/pending');
    await page.evaluate('telemetry.ready()');
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 500))');
    assert.equal((await stats(page)).ledger.queued, 2);
    assert.deepEqual(await stored(page), []);
    await go(page, server.url);
    const next = await open('/granted');
    await next.evaluate('telemetry.ready()');
    assert.deepEqual(await stored(next), []);
    assert.deepEqual(await written(next), []);
    assert.equal(server.requests.length, 0);
  });
}

for (const path of ['/early', '/before']) {
  test(`calls that wait for the WebAssembly are not written: ${path}`, async (t) => {
    const { server, open } = await site(t, browser, pages);
    const page = await open(path);
    await page.waitForURL('**/other');
    assert.deepEqual(await written(page), []);
    await page.goto(`${server.url}/granted`);
    await page.evaluate('telemetry.flush()');
    assert.equal(server.requests.length, 0);
  });
}

test('a denial reaches the other tabs at once, and leaves them nothing to send', async (t) => {
  const { server, open } = await site(t, browser, pages);
  const [teller, granted, plain] = [await open('/'), await open('/granted'), await open('/')];
  for (const page of [granted, plain]) {
    await page.evaluate(`telemetry.ready().then(() => {
      telemetry.logEvent('held', { n: 1 });
      telemetry.logEvent('held', { n: 2 });
    })`);
  }
  await teller.evaluate("telemetry.setConsent('denied')");
  for (const page of [granted, plain]) {
    await until(async () => (await consent(page)) === 'denied');
    assert.equal((await stats(page)).ledger.dropped.consent_denied, 2);
  }
  await until(async () => (await stored(teller)).length === 0);
  const sent = server.requests.length;
  await granted.goto(`${server.url}/other`);
  await plain.close();
  assert.deepEqual(await written(granted), ['wasm-telemetry:denied:tested']);
  assert.equal(server.requests.length, sent);
});

test('a page that was not told asks as it goes', async (t) => {
  const { server, open } = await site(t, browser, pages);
  const page = await open('/');
  await page.evaluate(`telemetry.ready().then(() => {
    addEventListener('storage', (event) => event.stopImmediatePropagation(), true);
    telemetry.logEvent('held');
    localStorage['wasm-telemetry:denied:tested'] = Date.now() + 1;
  })`);
  await page.goto(`${server.url}/other`);
  await page.goto(server.url);
  await page.evaluate('telemetry.ready()');
  assert.deepEqual(await stored(page), []);
  assert.equal(server.requests.length, 0);
});

test('a denial holds for the next pages, until one grants', async (t) => {
  const { server, open } = await site(t, browser, pages);
  const page = await open('/');
  await page.evaluate("telemetry.setConsent('denied')");
  await page.goto(`${server.url}/leaves`);
  await page.waitForURL('**/other');
  await page.goto(server.url);
  await page.evaluate(`telemetry.logEvent('held'); telemetry.flush()`);
  assert.equal(await consent(page), 'denied');
  assert.equal(server.requests.length, 0);
  await page.goto(`${server.url}/granted`);
  await page.evaluate(`telemetry.logEvent('granted'); telemetry.flush()`);
  await page.goto(server.url);
  await page.evaluate(`telemetry.logEvent('granted'); telemetry.flush()`);
  assert.equal(server.events().length, 2);
});

test('a worker hears of its page, for they share the store', async (t) => {
  const load = "self.window = self; importScripts('/telemetry.js');";
  const { server, open } = await site(t, browser, {
    '/': `${start(idle)} var worker = new Worker('/worker.js');
      worker.onmessage = (event) => { window.told = event.data; };`,
    '/worker': `${load} ${start(idle)} telemetry.logEvent('held'); postMessage('ready');
      onmessage = () => telemetry.flush().then(() => postMessage(telemetry.stats().config.consent));`,
  });
  const page = await open('/');
  await until(async () => (await page.evaluate('window.told')) === 'ready');
  await page.evaluate("telemetry.setConsent('denied')");
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 2100))');
  await page.evaluate('worker.postMessage(0)');
  await until(async () => (await page.evaluate('window.told')) === 'denied');
  assert.equal(server.requests.length, 0);
});

test('Global Privacy Control: nothing is logged, written or sent, where it is to be respected', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });
  });
  const page = await open('/private');
  await page.evaluate(`telemetry.ready().then(() => { ${log} return telemetry.flush(); })`);
  const { state, ledger } = await stats(page);
  assert.deepEqual([state, ledger.suppressed], ['disabled', 2]);
  assert.deepEqual(await written(page), []);
  assert.deepEqual(await page.evaluate('indexedDB.databases()'), []);
  assert.equal(server.requests.length, 0);
});
