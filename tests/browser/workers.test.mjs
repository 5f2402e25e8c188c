// Workers: dedicated, shared and service workers log and store as pages do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { idle, logMany, numbers, site, start, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const load = "self.window = self; importScripts('/telemetry.js');";

test('a dedicated worker logs, and stores in IndexedDB too', async (t) => {
  const { server, open } = await site(t, browser, {
    '/': 'var worker = new Worker("/worker.js"); worker.onmessage = (e) => { window.told = e.data; };',
    '/worker': `${load} ${start()} ${logMany()}
      telemetry.flush().then(() => postMessage(telemetry.stats()));`,
  });
  const page = await open('/');
  const told = await until(() => page.evaluate('window.told'));
  assert.equal(told.store.kind, 'indexeddb');
  assert.equal(told.ledger.delivered, 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a dedicated worker that is ended, with write-ahead: its page delivers', async (t) => {
  const { server, open } = await site(t, browser, {
    '/': `var worker = new Worker("/worker.js"); worker.onmessage = () => { window.saved = true; };`,
    '/worker': `${load} ${start(`${idle}, durability: 'write-ahead'`)}
      telemetry.ready().then(() => {
        ${logMany()}
        setTimeout(async function look() {
          const request = indexedDB.open('wasm-telemetry:tested');
          request.onsuccess = () => {
            const count = request.result.transaction('meta').objectStore('meta').count();
            count.onsuccess = () => {
              request.result.close();
              if (count.result > 0) postMessage('saved');
              else setTimeout(look, 20);
            };
          };
        });
      });`,
    '/later': `const { now } = Date; Date.now = () => now() + 10 * 60_000; ${start()}`,
  });
  const page = await open('/');
  await until(() => page.evaluate('window.saved'));
  await page.evaluate('worker.terminate()');
  assert.equal(server.requests.length, 0);
  await page.goto(`${server.url}/later`);
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a shared worker logs for two tabs', async (t) => {
  const { server, open } = await site(t, browser, {
    '/': `var worker = new SharedWorker('/shared.js');
      worker.port.onmessage = (e) => { window.told = e.data; };`,
    '/shared': `${load} ${start()}
      var next = 0;
      onconnect = ({ ports: [port] }) => {
        for (const end = next + 10; next < end; next += 1) telemetry.logEvent('counted', { n: next });
        telemetry.flush().then(() => port.postMessage(telemetry.stats()));
      };`,
  });
  const tabs = [await open('/'), await open('/')];
  for (const tab of tabs) await until(() => tab.evaluate('window.told'));
  assert.equal((await tabs[1].evaluate('told')).ledger.delivered, 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

for (const [what, more, act] of [
  ['with write-ahead: the next one delivers', `${idle}, durability: 'write-ahead'`, 'stored'],
  ['after a flush: nothing is left', idle, 'flush'],
]) {
  test(`a service worker that is stopped, ${what}`, async (t) => {
    const { server, context, open } = await site(t, browser, {
      '/': '',
      '/worker': `const { now } = Date;
        let shift = 0;
        Date.now = () => now() + shift;
        ${load} ${start(more)}
        oninstall = () => skipWaiting();
        onactivate = (event) => event.waitUntil(clients.claim());
        let n = 0;
        onfetch = ({ request }) => {
          if (!request.url.endsWith('/fetched')) return;
          for (const end = n + 20; n < end; n += 1) telemetry.logEvent('counted', { n });
        };
        const acts = {
          flush: () => telemetry.flush(),
          later: () => { shift = 10 * 60_000; return telemetry.flush(); },
          stored: () => new Promise((resolve) => {
            const request = indexedDB.open('wasm-telemetry:tested');
            request.onsuccess = () => {
              const all = request.result.transaction('meta').objectStore('meta').getAll();
              all.onsuccess = () => {
                request.result.close();
                resolve(all.result.reduce((sum, { events }) => sum + events, 0));
              };
            };
          }),
        };
        onmessage = (event) => event.waitUntil(
          telemetry.ready().then(acts[event.data]).then((told) => event.source.postMessage(told)),
        );`,
    });
    const page = await open('/');
    const ask = (text) =>
      page.evaluate(
        (text) =>
          new Promise((resolve) => {
            navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
            navigator.serviceWorker.controller.postMessage(text);
          }),
        text,
      );
    await page.evaluate(async () => {
      await navigator.serviceWorker.register('/worker.js');
      await navigator.serviceWorker.ready;
      navigator.serviceWorker.startMessages();
    });
    await until(() => page.evaluate('navigator.serviceWorker.controller !== null'));
    await page.evaluate('fetch("/fetched").then(() => {})');
    if (act === 'stored') await until(async () => (await ask('stored')) === 20);
    else await ask(act);

    const client = await context.newCDPSession(page);
    const stopped = new Promise((resolve) => {
      client.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
        if (versions.some(({ runningStatus }) => runningStatus === 'stopped')) resolve();
      });
    });
    await client.send('ServiceWorker.enable');
    await client.send('ServiceWorker.stopAllWorkers');
    await stopped;
    if (act === 'stored') assert.equal(server.requests.length, 0);

    await ask('later');
    await until(() => server.events().length === 20);
    assert.deepEqual(numbers(server.events()), upTo(20));
  });
}
