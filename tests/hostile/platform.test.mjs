// What other scripts did to the platform: each is met alone, with what must come of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { start, sum } from '../support/package.mjs';
import { ids, site, start as startPage, stats } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

const fail = () => {
  throw new RangeError('no');
};

test('while JSON is broken nothing is asked for that is no batch', async (t) => {
  const { server, telemetry } = await start(t);
  const { fetch } = globalThis;
  const { parse } = JSON;
  const repair = () => Object.assign(globalThis, { fetch }) && Object.assign(JSON, { parse });
  t.after(repair);
  const asked = /** @type {unknown[]} */ ([]);
  globalThis.fetch = async (...args) => {
    asked.push(args);
    return new Response();
  };
  JSON.parse = fail;
  telemetry.logEvent('counted', { n: 1 });
  await telemetry.flush();
  repair();
  assert.deepEqual(asked, []);
  await until(() => telemetry.stats().ledger.delivered === 1);
  assert.equal(server.accepted().length, 1);
});

test('an event whose wake-up fails is logged all the same, and once', async (t) => {
  const { telemetry } = await start(t);
  const { then } = Promise.prototype;
  const repaired = Object.fromEntries([['then', then]]);
  const broken = Object.fromEntries([['then', fail]]);
  t.after(() => {
    Object.assign(Promise.prototype, repaired);
  });
  for (let n = 0; n < 3; n += 1) {
    telemetry.logEvent('counted', { n });
    // The next one is the first in the staging buffer again.
    telemetry.stats();
    Object.assign(Promise.prototype, broken);
    telemetry.logEvent('counted', { n });
    Object.assign(Promise.prototype, repaired);
  }
  const { ledger } = telemetry.stats();
  assert.equal(ledger.accepted, 6);
  assert.equal(sum(ledger), 6);
  assert.equal((await telemetry.flush()).delivered, 6);
});

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const forbidden = [
  ['document', 'visibilityState'],
  ['navigator', 'globalPrivacyControl'],
  ['navigator', 'onLine'],
  ['globalThis', 'localStorage'],
  ['globalThis', 'indexedDB'],
];

for (const [object, name] of forbidden) {
  test(`a page whose ${object}.${name} throws logs`, async (t) => {
    const { open, problems } = await site(t, browser, {
      '/': `Object.defineProperty(${object}, '${name}', { get() { throw new Error('no'); } });
        ${startPage()}
        telemetry.logEvent('counted', { n: 1 });
        // Before the WebAssembly is there, and then.
        const play = () => document.dispatchEvent(new Event('visibilitychange'));
        play();
        telemetry.ready().then(() => {
          play();
          telemetry.logEvent('counted', { n: 2 });
        });`,
    });
    const page = await open('/');
    await until(async () => {
      const { ledger } = await stats(page);
      assert.deepEqual(problems, []);
      return ledger.delivered + ledger.handedOver === 2;
    });
    assert.deepEqual(
      (await page.evaluate('codes')).filter(
        (/** @type {string} */ code) => code !== 'store_memory',
      ),
      [],
    );
  });
}

const watchers = [
  'telemetry.stats()',
  'telemetry.flush()',
  "telemetry.setConsent('granted')",
  'telemetry.updateConfig({ batch: { maxAttempts: (attempts ^= 1) + 5 } })',
];

for (const watcher of watchers) {
  test(`a page that calls ${watcher.replace(/\(.*/s, '')} whenever its databases are used`, async (t) => {
    const { server, open, problems } = await site(t, browser, {
      '/': `let attempts = 0;
        const watch = (object, name) => {
          const original = object[name];
          object[name] = function (...args) {
            ${watcher};
            return Reflect.apply(original, this, args);
          };
        };
        ${startPage()}
        telemetry.ready().then(() => {
          watch(IDBDatabase.prototype, 'transaction');
          for (const name of ['get', 'put', 'delete']) watch(IDBObjectStore.prototype, name);
          telemetry.logExperiment({ experimentId: 'watched', variationId: 1 });
          telemetry.logEvent('counted', { n: 1 });
        });`,
    });
    server.answerWith((_, index) => (index < 4 ? { status: 503 } : undefined));
    const page = await open('/');
    await until(async () => {
      const { ledger, traps } = await stats(page);
      assert.deepEqual([problems, traps], [[], 0]);
      assert.equal(sum(ledger), ledger.accepted);
      return ledger.delivered === 2;
    });
    assert.equal(ids(server.events()).size, 2);
  });
}
