// The package in real pages: an outage, reloads, several tabs, pages that go away, and policies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bundle, launch } from '../support/browser.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

let browser;
let script;

before(async () => {
  [browser, script] = await Promise.all([launch(), bundle()]);
});
after(() => browser.close());

/**
 * A site whose pages hold `/telemetry.js` and then their own script, in a browser profile of its own.
 * @param {{ [path: string]: string }} pages the text of each page's script
 * @param {Record<string, string>} [headers] of the pages
 */
async function site(t, pages, headers = {}) {
  const server = await startServer(t);
  server.serve((path) => {
    if (path === '/telemetry.js') return { type: 'text/javascript', body: script };
    const name = path.replace(/\.js$/, '');
    if (!(name in pages)) return undefined;
    if (path !== name) return { type: 'text/javascript', body: pages[name] };
    const body = `<!doctype html><meta charset="utf-8"><title>${name}</title>
      <script src="/telemetry.js"></script><script src="${name}.js"></script>`;
    return { type: 'text/html', body, headers };
  });
  const context = await browser.newContext();
  t.after(() => context.close());
  const problems = [];
  const open = async (path) => {
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(server.url + path);
    return page;
  };
  return { server, context, open, problems };
}

const options = (more = '') => `{
  serviceName: 'tested',
  batch: { scheduledDelayMillis: 20, baseBackoffMillis: 20, maxBackoffMillis: 200 },
  onDiagnostic: ({ code }) => codes.push(code),
  ${more}
}`;

const logTwenty = (more) => `
  var codes = [];
  telemetry.init(${options(more)});
  for (let n = 0; n < 20; n += 1) telemetry.logEvent('counted', { n, tab: Number(location.hash.slice(1)) });`;

const initOnly = `var codes = []; telemetry.init(${options()});`;

// A page that went away in the middle of an export leaves the batch under its lease.
const leaseMillis = 120_000;

const numbers = (events) => events.map(({ event_metadata: { n } }) => n).sort((a, b) => a - b);
const twenty = Array.from({ length: 20 }, (_, n) => n);
const ids = (events) => new Set(events.map(({ event_id }) => event_id));
const stats = (page) => page.evaluate(() => telemetry.stats());

test('the first line of a page may log', async (t) => {
  const { server, open, problems } = await site(t, {
    '/': `var codes = [];
      telemetry.logEvent('before init');
      telemetry.init(${options()});
      telemetry.logEvent('after', { n: 1, ok: true });
      telemetry.logEvent('vouched', { text: telemetry.verified('checked') });`,
  });
  const page = await open('/');
  await until(() => server.events().length === 3);
  const events = server.events();
  assert.deepEqual(
    events.map(({ event_name }) => event_name),
    ['before init', 'after', 'vouched'],
  );
  assert.deepEqual(events[1].event_metadata, { n: 1, ok: true });
  assert.deepEqual(events[2].event_metadata, { text: 'checked' });
  await until(async () => (await stats(page)).ledger.delivered === 3);
  const { state, store } = await stats(page);
  assert.equal(state, 'running');
  assert.equal(store.kind, 'indexeddb');
  assert.deepEqual(await page.evaluate('codes'), []);
  assert.deepEqual(problems, []);
  assert.equal(server.requests[0].headers.cookie, undefined);
});

test('an outage, and a reload in it: all events arrive, once', async (t) => {
  const { server, open } = await site(t, { '/': logTwenty(), '/later': initOnly });
  server.answerWith(() => ({ status: 503 }));
  const page = await open('/');
  await until(async () => (await stats(page)).store.events === 20);
  await page.goto(`${server.url}/later`);
  // Not before: an answer that no page is left to see would bring the batch a second time.
  server.answerWith(() => undefined);
  await until(() => server.events().length >= 20, '20 events', leaseMillis);
  await until(async () => (await stats(page)).store.events === 0);
  assert.deepEqual(numbers(server.events()), twenty);
  assert.equal(ids(server.events()).size, 20);
});

test('two tabs in an outage, both reloaded: each event arrives, once', async (t) => {
  const { server, open } = await site(t, { '/': logTwenty(), '/later': initOnly });
  server.answerWith(() => ({ status: 0 }));
  const tabs = await Promise.all(['/#1', '/#2'].map(open));
  for (const tab of tabs) await until(async () => (await stats(tab)).ledger.stored >= 20);
  await Promise.all(tabs.map((tab) => tab.goto(`${server.url}/later`)));
  server.answerWith(() => undefined);
  await until(() => ids(server.events()).size === 40, '40 events', leaseMillis);
  await until(async () => (await stats(tabs[0])).store.events === 0);
  assert.equal(server.events().length, 40);
  for (const tab of [1, 2]) {
    const own = server.events().filter(({ event_metadata }) => event_metadata.tab === tab);
    assert.deepEqual(numbers(own), twenty);
  }
});

for (const [what, answer] of [
  ['with the endpoint up', undefined],
  ['with the endpoint down', { status: 0 }],
  ['with an endpoint that hangs', { hang: true }],
]) {
  test(`a page that is left 50 ms after its events, ${what}: all arrive`, async (t) => {
    const { server, open } = await site(t, {
      '/': `var codes = []; telemetry.init(${options('batch: { scheduledDelayMillis: 3600000 }')});
        telemetry.ready().then(() => {
          for (let n = 0; n < 20; n += 1) telemetry.logEvent('counted', { n });
          setTimeout(() => { location.href = '/other'; }, 50);
        });`,
      '/other': 'document.title = "other"',
      '/later': initOnly,
    });
    server.answerWith(() => answer);
    const page = await open('/');
    await page.waitForURL('**/other');
    // What was sent as the page went has had its time by now, or is under a lease until it has.
    server.answerWith(() => undefined);
    await page.goto(`${server.url}/later`);
    await until(() => ids(server.events()).size === 20, '20 events', leaseMillis);
    assert.deepEqual([...new Set(numbers(server.events()))], twenty);
  });
}

test('an exposure right before a redirect arrives', async (t) => {
  const { server, open } = await site(t, {
    '/': `var codes = []; telemetry.init(${options()});
      telemetry.ready().then(() => {
        telemetry.logExperiment({ experimentId: 'new-nav', variationId: 1 });
        location.href = '/later';
      });`,
    '/later': initOnly,
  });
  const page = await open('/');
  await page.waitForURL('**/later');
  await until(() => ids(server.events()).size === 1, 'the exposure', leaseMillis);
  assert.equal(server.events()[0].experiment_id, 'new-nav');
});

test('a page that comes back from the back/forward cache goes on logging', async (t) => {
  const { server, open } = await site(t, {
    '/': `${initOnly} addEventListener('pageshow', ({ persisted }) => {
      telemetry.logEvent('shown', { persisted });
    });`,
    '/other': 'document.title = "other"',
  });
  const page = await open('/');
  await until(() => server.events().length === 1);
  await page.goto(`${server.url}/other`);
  // Nothing that waits for a load: there is none.
  await page.evaluate(() => history.back());
  await until(() => server.events().length === 2);
  assert.deepEqual(
    server.events().map(({ event_metadata: { persisted } }) => persisted),
    [false, true],
  );
});

test('a browser that is offline keeps its events, and spends no attempt', async (t) => {
  const { server, context, open } = await site(t, { '/': initOnly });
  const page = await open('/');
  await page.evaluate(() => telemetry.ready());
  await context.setOffline(true);
  await page.evaluate(() => {
    for (let n = 0; n < 20; n += 1) telemetry.logEvent('counted', { n });
  });
  await until(async () => (await stats(page)).endpoint.online === false);
  assert.equal(server.requests.length, 0);
  await context.setOffline(false);
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), twenty);
});

test('setConsent(denied) while the WebAssembly loads wipes what was kept', async (t) => {
  const { server, open } = await site(t, {
    '/': `${logTwenty()}
      var pending = telemetry.updateConfig({ batch: { maxAttempts: 'many' } });
      var state = telemetry.stats().state;
      telemetry.setConsent('denied');
      telemetry.logEvent('unheard');
      telemetry.setConsent('granted');
      telemetry.logEvent('heard');`,
  });
  const page = await open('/');
  await until(() => server.events().length === 1);
  assert.equal(server.events()[0].event_name, 'heard');
  assert.equal(await page.evaluate('state'), 'loading');
  assert.deepEqual(await page.evaluate('pending'), { changed: [], rejected: [], pending: true });
  assert.deepEqual(await page.evaluate('codes'), ['config_rejected']);
  assert.equal((await stats(page)).ledger.suppressed, 21);
});

test("a strict policy needs 'wasm-unsafe-eval', and nothing more", async (t) => {
  const { server, open, problems } = await site(
    t,
    { '/': logTwenty() },
    { 'Content-Security-Policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" },
  );
  const page = await open('/');
  await until(() => server.events().length === 20);
  assert.deepEqual(await page.evaluate('codes'), []);
  assert.deepEqual(problems, []);
});

test('a policy that forbids WebAssembly: the page goes on, and is told once', async (t) => {
  const { server, open, problems } = await site(
    t,
    {
      '/': `${logTwenty()}
        var after = telemetry.ready().then(() => telemetry.flush());`,
    },
    { 'Content-Security-Policy': "default-src 'self'" },
  );
  const page = await open('/');
  const report = await page.evaluate('after');
  assert.equal(report.delivered, 0);
  assert.equal((await stats(page)).state, 'unavailable');
  assert.deepEqual(await page.evaluate('codes'), ['wasm_unavailable']);
  assert.deepEqual(problems, []);
  assert.equal(server.requests.length, 0);
});

test('a dead endpoint fills no console and makes no storm', async (t) => {
  const { server, open } = await site(t, { '/': logTwenty('debug: false') });
  server.answerWith(() => ({ status: 0 }));
  const page = await open('/');
  const own = [];
  page.on('console', (message) => {
    if (message.location().url.endsWith('telemetry.js')) own.push(message.text());
  });
  await until(() => server.requests.length >= 3);
  assert.ok(
    own.every((text) => text.startsWith('Failed to load resource')),
    own.join('\n'),
  );
});

test('a dedicated worker logs, and stores in IndexedDB too', async (t) => {
  const { server, open } = await site(t, {
    '/': 'var worker = new Worker("/worker.js"); worker.onmessage = (e) => { window.told = e.data; };',
    '/worker': `self.window = self; importScripts('/telemetry.js');
      ${logTwenty()}
      telemetry.flush().then(() => postMessage(telemetry.stats()));`,
  });
  const page = await open('/');
  await until(() => server.events().length === 20);
  const told = await until(() => page.evaluate('window.told'));
  assert.equal(told.store.kind, 'indexeddb');
  assert.equal(told.ledger.delivered, 20);
});
