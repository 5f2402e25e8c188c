// What a request may carry, and to whom: no header that the host did not mean, nothing to where a
// redirect points, and an Authorization that is in requests and nowhere else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { folder, open, run } from '../support/package.mjs';
import { site } from '../support/site.mjs';
import { until } from '../support/wait.mjs';
import { startReceiver } from './receiver.mjs';
import { filesHolding, find } from './search.mjs';

const token = 'Bearer tok3n7f3a9c1b';
const secret = 'tok3n7f3a9c1b';
const redirects = [301, 302, 303, 307, 308];

/** An endpoint that sends everybody on to another one. */
async function startRedirecting(t, status) {
  const other = await startReceiver(t);
  const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
  const first = await startReceiver(t, () => ({
    status,
    headers: { ...cors, Location: `${other.url}/api/event_logging/batch` },
  }));
  return { first, other };
}

for (const status of redirects) {
  test(`${status}: where it points gets neither events nor Authorization`, async (t) => {
    const { first, other } = await startRedirecting(t, status);
    const { telemetry } = open(t, first.url, { auth: () => token, headers: { 'X-Key': secret } });
    telemetry.logEvent('sent', { n: 1 });
    await telemetry.flush();
    assert.equal(first.requests.length, 1);
    assert.equal(first.requests[0].headers.authorization, token);
    assert.equal(other.requests.length, 0);
    assert.deepEqual(telemetry.stats().ledger.dropped, { rejected: 1 });
  });
}

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('nor in Chromium', async (t) => {
  for (const status of [302, 307, 308]) {
    const { first, other } = await startRedirecting(t, status);
    const { open: openPage } = await site(t, browser, {
      '/': `telemetry.init({
        serviceName: 'tested',
        auth: () => '${token}',
        batch: { baseUrl: '${first.url}' },
      });
      telemetry.logEvent('sent', { n: 1 });
      telemetry.flush().then(() => { document.title = 'flushed'; });`,
    });
    // The preflight is answered with a redirect, too, and that is an error: nothing gets through.
    const page = await openPage('/');
    await until(async () => (await page.title()) === 'flushed');
    assert.equal(other.requests.length, 0);
  }
});

const injections = [
  'x\r\nX-Evil: 1',
  'x\nX-Evil: 1',
  'x\r\n\r\n{}',
  'x\0',
  '\r',
  'x\u2028X-Evil: 1',
  'é\u0100',
];

test('no header is injected: by names, by values, by what auth gives', async (t) => {
  const receiver = await startReceiver(t);
  const named = Object.fromEntries(injections.map((text) => [text, 'x']));
  const valued = Object.fromEntries(injections.map((text, n) => [`X-Value-${n}`, text]));
  for (const injection of injections) {
    const { telemetry } = open(t, receiver.url, {
      headers: { ...named, ...valued, ': evil': 'x', 'X-Good': 'good' },
      auth: () => injection,
    });
    telemetry.logEvent('sent', { n: 1 });
    await telemetry.flush({ timeoutMillis: 300 });
    telemetry.updateConfig({ batch: { skipAuth: true } });
    await telemetry.flush();
  }
  assert.ok(receiver.requests.length >= injections.length);
  const usual = ['host', 'connection', 'content-type', 'content-length', 'accept', 'user-agent'];
  const more = ['accept-language', 'sec-fetch-mode', 'accept-encoding', 'cache-control', 'pragma'];
  const allowed = new Set([...usual, ...more, 'content-encoding', 'x-good']);
  for (const { headers } of receiver.requests) {
    assert.equal(headers['x-good'], 'good');
    for (const name of Object.keys(headers)) assert.ok(allowed.has(name), name);
  }
});

const ways = {
  'gives it': `() => '${token}'`,
  'gives it later': `async () => '${token}'`,
  'throws it': `() => { throw new Error('${token}'); }`,
  'rejects with it': `async () => { throw '${token}'; }`,
  'hides it in an object': `() => ({ toString: () => '${token}', token: '${token}' })`,
  'breaks its line': `() => '${token}\\n'`,
};

for (const [what, auth] of Object.entries(ways)) {
  for (const status of [401, 403, 500]) {
    test(`auth ${what}, the answer is ${status}: it is not stored, told or counted`, async (t) => {
      const receiver = await startReceiver(t, () => ({ status, body: token }));
      const directory = folder(t);
      const options = { serviceName: 'tested', directory, debug: true, durability: 'write-ahead' };
      const batch = { baseUrl: receiver.url, baseBackoffMillis: 5, scheduledDelayMillis: 10 };
      // As a service's settings would have it, for other requests too.
      const env = { OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secret}` };
      const { stdout, stderr } = await run(
        t,
        `const { init, logEvent, logExperiment, flush, stats } = telemetry;
        init({ ...${JSON.stringify({ ...options, batch })}, auth: ${auth} });
        for (let n = 0; n < 20; n += 1) logEvent('sent', { n });
        logExperiment({ experimentId: 'e', variationId: 1 });
        const report = await flush({ timeoutMillis: 300 });
        console.log(JSON.stringify([report, stats()]));
        logEvent('last');
        process.exit(0);`,
        { env },
      );
      assert.match(stdout, /"ledger"/);
      assert.equal(find(stdout + stderr, secret), '');
      assert.deepEqual(filesHolding(directory, secret), []);
      for (const { bytes, url } of receiver.requests) assert.equal(find(url + bytes, secret), '');
      assert.ok(
        what.includes('gives') === receiver.requests.some(({ headers }) => headers.authorization),
      );
    });
  }
}
