// The back/forward cache: the package keeps no page out of it, and a restored page goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { sum } from '../support/package.mjs';
import { idle, logMany, numbers, site, start, stats, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const restorable = `var restored = 0;
  addEventListener('pageshow', ({ persisted }) => { if (persisted) restored += 1; });`;
const pages = {
  '/': restorable + start(),
  '/waits': restorable + start(idle),
  '/write-ahead': restorable + start(`${idle}, durability: 'write-ahead'`),
  '/other': 'document.title = "other"',
};

/** Goes away and comes back. */
async function leaveAndReturn(page, server, times = 1) {
  await page.goto(`${server.url}/other`);
  // Nothing that waits for a load: there is none.
  await page.evaluate(() => history.back());
  await until(() =>
    page
      .evaluate('globalThis.restored')
      .catch(() => 0)
      .then((n) => n === times),
  );
}

test('a page that comes back goes on logging', async (t) => {
  const { server, open } = await site(t, browser, pages);
  const page = await open('/');
  await page.evaluate(logMany(20));
  await until(() => server.events().length === 20);
  for (const round of [1, 2]) {
    await leaveAndReturn(page, server, round);
    await page.evaluate(`telemetry.logEvent('counted', { n: ${19 + round} })`);
    await until(() => server.events().length === 20 + round);
  }
  assert.deepEqual(numbers(server.events()), upTo(22));
});

for (const path of ['/waits', '/write-ahead']) {
  test(`${path}: what waited when the page went away arrives, once`, async (t) => {
    const { server, open } = await site(t, browser, pages);
    const page = await open(path);
    await page.evaluate('telemetry.logEvent("counted", { n: 0 }); telemetry.flush()');
    await page.evaluate('for (let n = 1; n < 20; n += 1) telemetry.logEvent("counted", { n })');
    await leaveAndReturn(page, server);
    await page.evaluate('telemetry.logEvent("counted", { n: 20 }); telemetry.flush()');
    await until(() => server.events().length >= 21);
    await until(async () => {
      const { ledger } = await stats(page);
      return ledger.queued + ledger.inFlight + ledger.stored === 0;
    });
    assert.deepEqual(numbers(server.events()), upTo(21));
  });
}

test('what the endpoint refused as the page went away goes out when it is back', async (t) => {
  const { server, open } = await site(t, browser, pages);
  const page = await open('/waits');
  await page.evaluate('telemetry.ready()');
  await page.evaluate(logMany());
  server.answerWith(() => ({ status: 0 }));
  await leaveAndReturn(page, server);
  server.answerWith(() => undefined);
  // The copy of what was sent is under a lease; its time is over.
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 10 * 60_000;
    return telemetry.flush();
  });
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a page that left before its database was open, and comes back, sends each event once', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  await context.addInitScript(() => {
    const { open } = IDBFactory.prototype;
    const held = [];
    IDBFactory.prototype.open = function (...args) {
      const request = {};
      held.push(() => Object.assign(open.apply(this, args), request));
      return request;
    };
    globalThis.openNow = () => {
      for (const later of held.splice(0)) later();
    };
  });
  const page = await open('/waits');
  await until(async () => (await stats(page)).state === 'running');
  await page.evaluate(logMany());
  server.answerWith(() => ({ status: 0 }));
  await leaveAndReturn(page, server);
  server.answerWith(() => undefined);
  await page.evaluate(async () => {
    const { now } = Date;
    Date.now = () => now() + 10 * 60_000;
    openNow();
    await telemetry.ready();
    telemetry.logEvent('counted', { n: 20 });
    return telemetry.flush();
  });
  await until(() => server.events().length === 21);
  assert.deepEqual(numbers(server.events()), upTo(21));
  const { ledger } = await stats(page);
  assert.equal(sum(ledger), ledger.accepted);
  assert.equal(ledger.delivered, 21);
  assert.deepEqual(Object.keys(await page.evaluate(() => ({ ...localStorage }))), []);
});

test('no page is kept out of the cache, and none listens to its unloading', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  await context.addInitScript(() => {
    globalThis.listened = [];
    const { addEventListener } = EventTarget.prototype;
    EventTarget.prototype.addEventListener = function (type, ...rest) {
      const target = this === undefined || this === window ? 'window' : this?.constructor.name;
      globalThis.listened.push(`${target} ${type}`);
      return addEventListener.call(this, type, ...rest);
    };
  });
  const page = await open('/write-ahead');
  const client = await context.newCDPSession(page);
  await client.send('Page.enable');
  const refusals = [];
  client.on('Page.backForwardCacheNotUsed', ({ notRestoredExplanations }) =>
    refusals.push(notRestoredExplanations),
  );
  await page.evaluate(`telemetry.ready().then(() => { ${logMany()} })`);
  await leaveAndReturn(page, server);
  assert.deepEqual(refusals, []);
  const [{ notRestoredReasons }] = await page.evaluate(() =>
    performance.getEntriesByType('navigation').map((entry) => entry.toJSON()),
  );
  assert.equal(notRestoredReasons ?? null, null);
  const listened = await page.evaluate('listened');
  assert.ok(listened.includes('window pagehide'), listened.join());
  assert.ok(listened.includes('HTMLDocument visibilitychange'), listened.join());
  assert.deepEqual(
    listened.filter((name) => /unload/.test(name)),
    [],
  );
});
