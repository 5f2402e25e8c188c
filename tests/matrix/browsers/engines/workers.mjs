import assert from 'node:assert/strict';
import { until } from '../../../support/wait.mjs';

const load = "importScripts('/telemetry.js');";
const told = (/** @type {string} */ to) =>
  `telemetry.flush().then(() => ${to}.postMessage(telemetry.stats().store.kind));`;
const listen = 'onmessage = ({ data }) => { window.told = data; };';

const kind = (/** @type {import('../../support/visits.mjs').Browser} */ browser) =>
  until(() => browser.evaluate('window.told'), 'the worker answers');

/** @type {Record<string, import('../../support/visits.mjs').Check>} */
export const workers = {
  async dedicated({ give, start, logMany, arrive, server }, browser) {
    give({
      '/': `var worker = new Worker('/worker.js'); worker.${listen}`,
      '/worker': `${load} ${start()} ${logMany()} ${told('self')}`,
    });
    await browser.visit(`${server.url}/`);
    await arrive(20);
    assert.equal(await kind(browser), 'indexeddb');
  },

  async shared({ give, start, arrive, server }, browser) {
    give({
      '/': `var worker = new SharedWorker('/shared.js'); worker.port.${listen}`,
      '/shared': `${load} ${start()}
        var next = 0;
        onconnect = ({ ports: [port] }) => {
          for (const end = next + 10; next < end; next += 1) telemetry.logEvent('counted', { n: next });
          ${told('port')}
        };`,
    });
    await browser.visit(`${server.url}/`);
    assert.equal(await kind(browser), 'indexeddb');
    const first = await browser.window();
    await browser.openWindow();
    await browser.visit(`${server.url}/`);
    await arrive(20);
    await browser.closeWindow();
    await browser.switchTo(first);
  },

  async 'service worker'({ give, start, arrive, server }, browser) {
    give({
      '/': `navigator.serviceWorker.onmessage = ({ data }) => { window.told = data; };
        navigator.serviceWorker.register('/service.js').then(async () => {
          const { active } = await navigator.serviceWorker.ready;
          active.postMessage('log');
        });`,
      '/service': `${load} ${start()}
        oninstall = () => skipWaiting();
        onmessage = (event) => {
          for (let n = 0; n < 20; n += 1) telemetry.logEvent('counted', { n });
          event.waitUntil(${told('event.source').slice(0, -1)});
        };`,
    });
    await browser.visit(`${server.url}/`);
    await arrive(20);
    assert.equal(await kind(browser), 'indexeddb');
  },
};
