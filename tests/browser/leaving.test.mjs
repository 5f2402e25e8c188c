// Pages that go away: what they logged arrives now or at the next visit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, leaveBy } from '../support/browser.mjs';
import { idle, ids, later, logMany, numbers, site, start, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

// Text that no compression makes smaller.
const noise = `String.fromCharCode(
  ...crypto.getRandomValues(new Uint8Array(1000)).map((byte) => 40 + (byte & 63)),
)`;

const pages = {
  '/': start(idle),
  '/other': 'document.title = "other"',
  '/later': start(),
};

for (const [what, answer] of [
  ['with the endpoint up', undefined],
  ['with the endpoint down', { status: 0 }],
  ['with an endpoint that hangs', { hang: true }],
]) {
  test(`a page that is left 50 ms after its events, ${what}: all arrive`, async (t) => {
    const { server, context, open } = await site(t, browser, pages);
    server.answerWith(() => answer);
    const page = await open('/');
    const leave = "setTimeout(() => { location.href = '/other'; }, 50);";
    await leaveBy(page, `telemetry.ready().then(() => { ${logMany()} ${leave} })`);
    server.answerWith(() => undefined);
    await later(context);
    await page.goto(`${server.url}/later`);
    await until(() => ids(server.events()).size === 20, '20 events');
    assert.deepEqual([...new Set(numbers(server.events()))], upTo(20));
  });

  for (const runBeforeUnload of [false, true]) {
    const how = runBeforeUnload ? 'by its user' : 'at once';
    test(`a tab that is closed ${how}, ${what}: all arrive`, async (t) => {
      const { server, context, open } = await site(t, browser, pages);
      server.answerWith(() => answer);
      const page = await open('/');
      await page.evaluate(`telemetry.ready().then(() => { ${logMany()} })`);
      const closed = page.waitForEvent('close');
      await page.close({ runBeforeUnload });
      await closed;
      server.answerWith(() => undefined);
      await later(context);
      await open('/later');
      await until(() => ids(server.events()).size === 20, '20 events');
      assert.deepEqual([...new Set(numbers(server.events()))], upTo(20));
    });
  }
}

test('an exposure right before a redirect, in the same task, arrives', async (t) => {
  const { server, context, open } = await site(t, browser, {
    ...pages,
    '/': `${start(idle)}
      telemetry.ready().then(() => {
        telemetry.logExperiment({ experimentId: 'new-nav', variationId: 1 });
        location.href = '/other';
      });`,
  });
  const page = await open('/');
  await page.waitForURL('**/other');
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => ids(server.events()).size === 1, 'the exposure');
  assert.equal(server.events()[0].experiment_id, 'new-nav');
});

for (const [when, listen] of [
  ['before ours', 'listen()'],
  ['after ours', 'telemetry.ready().then(listen)'],
]) {
  test(`what the host logs in listeners of its own, added ${when}, arrives`, async (t) => {
    const { server, context, open } = await site(t, browser, {
      ...pages,
      '/': `${start(idle)}
        function listen() {
          addEventListener('pagehide', () => telemetry.logEvent('counted', { n: 0 }));
          document.addEventListener('visibilitychange', () => telemetry.logEvent('counted', { n: 1 }));
        }
        ${listen};`,
    });
    const page = await open('/');
    await page.evaluate('telemetry.ready()');
    const closed = page.waitForEvent('close');
    await page.close({ runBeforeUnload: true });
    await closed;
    await later(context);
    await open('/later');
    await until(() => ids(server.events()).size === 2, 'both events');
  });
}

/** Keeps in `sent` which requests begin within a listener of these events. */
const watchTasks = () => {
  let task = '';
  const { addEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, listener, ...rest) {
    const watched = (event) => {
      task = type;
      try {
        listener(event);
      } finally {
        task = '';
      }
    };
    const leaving = type === 'pagehide' || type === 'visibilitychange';
    return addEventListener.call(this, type, leaving ? watched : listener, ...rest);
  };
  const { fetch } = window;
  window.fetch = (url, init) => {
    const sent = JSON.parse(sessionStorage.sent ?? '[]');
    sessionStorage.sent = JSON.stringify([...sent, { task, keepalive: init?.keepalive }]);
    return fetch(url, init);
  };
};

test('nothing asynchronous stands before the request: it begins within the listener', async (t) => {
  const { server, context, open } = await site(t, browser, {
    ...pages,
    '/': start(`${idle}, auth: async () => 'Bearer of good news'`),
  });
  await context.addInitScript(watchTasks);
  const page = await open('/');
  // So that the Authorization is known.
  await page.evaluate('telemetry.logEvent("opened"); telemetry.flush()');
  await page.evaluate(logMany());
  await page.goto(`${server.url}/other`);
  await until(() => server.events().length === 21);
  assert.deepEqual(JSON.parse(await page.evaluate('sessionStorage.sent')), [
    { task: '', keepalive: false },
    { task: 'pagehide', keepalive: true },
  ]);
  assert.equal(server.requests[1].headers.authorization, 'Bearer of good news');
});

test('what has to wait for an Authorization is stored, and sent at the next visit', async (t) => {
  const auth = "auth: () => new Promise((done) => setTimeout(done, 50, 'Bearer'))";
  const { server, context, open } = await site(t, browser, {
    ...pages,
    '/': start(`${idle}, ${auth}`),
    '/later': start(auth),
  });
  const page = await open('/');
  await page.evaluate(`telemetry.ready().then(() => { ${logMany()} })`);
  await page.goto(`${server.url}/other`);
  assert.equal(server.requests.length, 0);
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('hundreds of events leave with their page, compressed at once', async (t) => {
  const { server, open } = await site(t, browser, {
    ...pages,
    '/': start('batch: { scheduledDelayMillis: 3600000, maxExportBatchSize: 1000 }'),
  });
  const page = await open('/');
  const leave = "location.href = '/other';";
  await leaveBy(page, `telemetry.ready().then(() => { ${logMany(600)} ${leave} })`);
  // Nobody comes back.
  await until(() => ids(server.events()).size === 600, '600 events');
  for (const { headers } of server.requests) assert.equal(headers['content-encoding'], 'gzip');
});

test('more than a request that outlives its page can carry is stored', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  const page = await open('/');
  // Before the database is open, too.
  await leaveBy(
    page,
    `const text = telemetry.verified(${noise});
    for (let n = 0; n < 150; n += 1) telemetry.logEvent('counted', { n, text });
    location.href = '/other';`,
  );
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => ids(server.events()).size === 150, '150 events');
  assert.deepEqual([...new Set(numbers(server.events()))], upTo(150));
});

test('a page that is left before its database is open loses nothing', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  await context.addInitScript(() => {
    if (location.pathname !== '/') return;
    // It never opens.
    IDBFactory.prototype.open = () => ({});
  });
  const page = await open('/');
  await until(() => page.evaluate('telemetry.stats().state === "running"'));
  await page.evaluate(`
    const text = telemetry.verified(${noise});
    for (let n = 0; n < 150; n += 1) telemetry.logEvent('counted', { n, text });`);
  await page.goto(`${server.url}/other`);
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => ids(server.events()).size === 150, '150 events');
  // What was sent as the page went had no witness, and came again.
  assert.deepEqual(
    [...new Set(numbers(server.events()))].sort((a, b) => a - b),
    upTo(150),
  );
});
