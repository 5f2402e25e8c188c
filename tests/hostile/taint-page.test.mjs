// As `taint.test.mjs`, in Chromium: nothing in a request, in IndexedDB, in `localStorage`, in the console.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { launch } from '../support/browser.mjs';
import { seed } from '../support/seed.mjs';
import { later, site } from '../support/site.mjs';
import { until } from '../support/wait.mjs';
import { find } from './search.mjs';

const calls = Number(process.env.HOSTILE_CALLS ?? 600);
const value = 'taintedvalue7f3a';
const key = 'taintedkey9c1b';

let browser;
/** @type {string} what a page calls, as a script */
let script;

before(async () => {
  browser = await launch();
  const { outputFiles } = await build({
    stdin: {
      contents: `export { callHostile } from './calls.mjs'; export { dice } from '../support/dice.mjs';`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'hostile',
  });
  script = outputFiles[0].text;
});
after(() => browser.close());

const open = `telemetry.init({
  serviceName: 'tested',
  debug: true,
  events: {
    checkout: { items: 'number', express: 'boolean', total: 'number', plan: 'text' },
    seen: { plan: 'text', seconds: 'number' },
  },
  batch: { scheduledDelayMillis: 10, baseBackoffMillis: 1 },
});`;
const callAll = (from) => `(() => {
    const random = hostile.dice(${from});
    for (let n = 0; n < ${calls}; n += 1) {
      hostile.callHostile(telemetry, random, { value: '${value}', key: '${key}' });
    }
    telemetry.logEvent('seen', { plan: telemetry.verified('meant to leave') });
  })();`;

/** Everything that the origin stores, as text in which a byte is a character. */
const storedText = (page) =>
  page.evaluate(async () => {
    const outcome = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const plain = (_, value) => {
      const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
      return ArrayBuffer.isView(bytes)
        ? Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
        : value;
    };
    const all = Object.entries(localStorage).map(String);
    for (const { name } of await indexedDB.databases()) {
      const database = await outcome(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const records = database.transaction(store).objectStore(store);
        const content = [records.getAllKeys(), records.getAll()].map(outcome);
        all.push(JSON.stringify(await Promise.all(content), plain));
      }
      database.close();
    }
    return all.join('\n');
  });

test(`no hostile value leaves a page, seed ${seed}`, async (t) => {
  const {
    server,
    context,
    open: openPage,
    problems,
  } = await site(t, browser, {
    '/early': `${script}; ${open} ${callAll(seed)} location.href = '/other';`,
    '/logs': `${script}; ${open} telemetry.ready().then(async () => {
      ${callAll(seed + 1)}
      await telemetry.flush({ timeoutMillis: 2000 });
      ${callAll(seed + 2)}
      document.title = 'called';
    });`,
    '/other': 'document.title = "other"',
    '/later': `${open} telemetry.flush();`,
  });
  const told = [];
  context.on('console', (message) => told.push(message.text()));
  server.answerWith(() => ({ status: 503 }));
  await context.addInitScript(() => {
    if (location.pathname === '/early') WebAssembly.instantiate = () => new Promise(() => {});
  });
  const nothingIn = async () => {
    const stored = await storedText(page);
    for (const word of [value, key]) assert.equal(find(stored, word), '');
    return stored;
  };

  const page = await openPage('/early');
  await page.waitForURL('**/other');
  assert.ok(find(await nothingIn(), 'meant to leave'));
  await page.goto(`${server.url}/logs`);
  await until(async () => {
    assert.deepEqual(problems, []);
    return (await page.title()) === 'called';
  });
  assert.ok(find(await nothingIn(), 'meant to leave'));
  await page.goto(`${server.url}/other`);
  await nothingIn();

  server.answerWith(() => undefined);
  await later(context);
  await page.goto(`${server.url}/later`);
  const sent = () => server.requests.map(({ body, headers }) => JSON.stringify([body, headers]));
  const meant = () => sent().join().split('meant to leave').length - 1;
  await until(() => meant() >= 3);
  for (const request of sent()) {
    for (const word of [value, key]) assert.equal(find(request, word), '');
  }
  assert.equal(find(told.join('\n'), value), '');
});
