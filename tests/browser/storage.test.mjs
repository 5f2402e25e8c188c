// Storage that is full, goes away, or is not to be had: the page goes on, and nothing vanishes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { sum } from '../support/package.mjs';
import { idle, later, numbers, site, start, stats, stored, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const pages = {
  '/': start(),
  '/waits': start(idle),
  '/other': 'document.title = "other"',
  '/later': start(),
};
const database = 'wasm-telemetry:tested';

const devtools = (page) => page.context().newCDPSession(page);
const log = (page, from, to) =>
  page.evaluate(
    ([from, to]) =>
      telemetry.ready().then(() => {
        for (let n = from; n < to; n += 1) telemetry.logEvent('counted', { n });
      }),
    [from, to],
  );
const codes = (page) => page.evaluate('codes');
const balanced = ({ ledger }) => assert.equal(sum(ledger), ledger.accepted);

async function limit(page, url, bytes) {
  const client = await devtools(page);
  const { origin } = new URL(url);
  await client.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: bytes });
}

test('storage that is full: events stay in memory, and go out when the endpoint is back', async (t) => {
  const { server, open } = await site(t, browser, pages);
  server.answerWith(() => ({ status: 503 }));
  const page = await open('/');
  await page.evaluate('telemetry.ready()');
  await limit(page, server.url, 1);
  await log(page, 0, 20);
  await until(async () => (await codes(page)).includes('store_full'));
  const during = await stats(page);
  balanced(during);
  assert.equal(during.ledger.queued + during.ledger.inFlight, 20);
  assert.deepEqual(await stored(page), []);
  server.answerWith(() => undefined);
  await page.evaluate('telemetry.flush()');
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
  balanced(await stats(page));
});

test('storage that is full when the page goes away in an outage: all arrive when there is room', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  server.answerWith(() => ({ status: 0 }));
  const page = await open('/waits');
  await page.evaluate('telemetry.ready()');
  await limit(page, server.url, 1);
  await log(page, 0, 20);
  await page.goto(`${server.url}/other`);
  await limit(page, server.url, undefined);
  server.answerWith(() => undefined);
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

for (const [what, takeAway] of [
  [
    'another tab deletes the database',
    async (other) => {
      await other.evaluate(
        (name) =>
          new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase(name);
            request.onsuccess = resolve;
            request.onerror = () => reject(request.error);
            request.onblocked = () => reject(new Error('a connection keeps it'));
          }),
        database,
      );
    },
  ],
  [
    'the user clears the data of the site',
    async (_, page) => {
      const client = await devtools(page);
      const { origin } = new URL(page.url());
      await client.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
    },
  ],
]) {
  test(`while a page lives, ${what}: what it logs after that arrives`, async (t) => {
    const { server, context, open, problems } = await site(t, browser, pages);
    const page = await open('/');
    const other = await open('/other');
    await log(page, 0, 20);
    await until(() => server.events().length === 20);
    await takeAway(other, page);
    server.answerWith(() => ({ status: 503 }));
    await log(page, 20, 40);
    await until(() => server.requests.length > 1);
    balanced(await stats(page));
    server.answerWith(() => undefined);
    await page.evaluate('telemetry.flush()');
    await until(() => server.events().length === 40);
    assert.deepEqual(numbers(server.events()), upTo(40));
    balanced(await stats(page));
    assert.deepEqual(problems, []);
    // And the store is used again.
    server.answerWith(() => ({ status: 0 }));
    await log(page, 40, 60);
    await until(async () => (await stats(page)).endpoint.failures > 0);
    await page.goto(`${server.url}/other`);
    server.answerWith(() => undefined);
    await later(context);
    await page.goto(`${server.url}/later`);
    await until(() => server.events().length === 60);
    assert.deepEqual(numbers(server.events()), upTo(60));
  });

  test(`in an outage, ${what}: the ledger stays even, and later events arrive`, async (t) => {
    const { server, open } = await site(t, browser, pages);
    server.answerWith(() => ({ status: 503 }));
    const page = await open('/');
    const other = await open('/other');
    await log(page, 0, 20);
    await until(async () => (await stats(page)).ledger.stored === 20);
    await takeAway(other, page);
    balanced(await stats(page));
    server.answerWith(() => undefined);
    await log(page, 20, 40);
    await page.evaluate('telemetry.flush()');
    await until(async () => (await stats(page)).ledger.delivered >= 20);
    const { ledger } = await stats(page);
    balanced({ ledger });
    const arrived = new Set(numbers(server.events()));
    for (const n of upTo(40).slice(20)) assert.ok(arrived.has(n), `event ${n}`);
  });
}

for (const [what, prepare] of [
  ['there is no IndexedDB', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
  [
    'a policy forbids it',
    () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      };
    },
  ],
  [
    'it does not open',
    () => {
      // A database of another version is there.
      const { open } = IDBFactory.prototype;
      IDBFactory.prototype.open = function (name) {
        open.call(this, name, 2);
        return open.call(this, name, 1);
      };
    },
  ],
]) {
  test(`where ${what}, memory serves, and the page is told`, async (t) => {
    const { server, context, open, problems } = await site(t, browser, pages);
    await context.addInitScript(prepare);
    server.answerWith(() => ({ status: 503 }));
    const page = await open('/');
    await log(page, 0, 20);
    await until(async () => (await stats(page)).ledger.stored === 20);
    const { store } = await stats(page);
    assert.equal(store.kind, 'memory');
    assert.deepEqual(await codes(page), ['store_memory']);
    server.answerWith(() => undefined);
    await until(() => server.events().length === 20);
    // What fits is sent when it goes away.
    await page.evaluate('telemetry.flush()');
    await page.goto(`${server.url}/waits`);
    await log(page, 20, 40);
    await page.goto(`${server.url}/other`);
    await until(() => server.events().length === 40);
    assert.deepEqual(numbers(server.events()), upTo(40));
    assert.deepEqual(problems, []);
  });
}
