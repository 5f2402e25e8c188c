// What becomes of an event, with each answer an endpoint can give.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, start, sum } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('the first line of a program may log, and all goes out in order', async (t) => {
  const before = Date.now();
  const server = await startServer(t);
  const { telemetry } = open(t, server.url, {
    serviceVersion: '1.4.0',
    userId: 'u1',
    context: { plan: 'pro' },
  });
  telemetry.logEvent('opened');
  telemetry.logEvent('paid', { items: 3, express: true, coupon: undefined, price: 9.5 });
  telemetry.logEvent('rated', { note: telemetry.verified('it works') });
  const report = await telemetry.flush();
  const after = Date.now();

  assert.equal(report.delivered, 3);
  assert.equal(report.timedOut, false);
  const events = server.events();
  assert.deepEqual(
    events.map(({ event_name, event_metadata = {} }) => [event_name, event_metadata]),
    [
      ['opened', {}],
      ['paid', { items: 3, express: true, price: 9.5 }],
      ['rated', { note: 'it works' }],
    ],
  );
  for (const { event_id, timestamp, user_id, core_metadata } of events) {
    assert.match(event_id, uuid);
    assert.ok(Date.parse(timestamp) >= before && Date.parse(timestamp) <= after, timestamp);
    assert.equal(user_id, 'u1');
    assert.equal(core_metadata.plan, 'pro');
  }
  const [{ path, headers, body }] = server.requests;
  assert.equal(path, '/api/event_logging/batch');
  assert.match(String(headers['content-type']), /^application\/json/);
  assert.equal(headers.authorization, undefined);
  assert.equal(headers.cookie, undefined);
  assert.equal(body.resource['service.name'], 'tested');
  assert.equal(body.resource['service.version'], '1.4.0');
  assert.match(body.batch.id, uuid);
});

test('an exposure goes out as its own kind of event', async (t) => {
  const { server, telemetry } = await start(t, { userId: 'u1' });
  telemetry.logExperiment({
    experimentId: 'new-nav',
    variationId: 1,
    userAttributes: { sessionId: 's9', country: 'NZ' },
    experimentMetadata: { feature: 'nav' },
  });
  await telemetry.flush();
  const [exposure] = server.events();
  assert.equal(exposure.event_type, 'GrowthbookExperimentEvent');
  assert.equal(exposure.experiment_id, 'new-nav');
  assert.equal(exposure.variation_id, 1);
  assert.equal(exposure.session_id, 's9');
  assert.equal(JSON.parse(exposure.user_attributes).country, 'NZ');
  assert.deepEqual(JSON.parse(exposure.experiment_metadata), { feature: 'nav' });
});

test('ten thousand events of alternating shapes arrive once each, in order', async (t) => {
  const { server, telemetry } = await start(t, { batch: { maxQueueSize: 100_000 } });
  const shapes = [
    (n) => ({ n }),
    (n) => ({ n, odd: n % 2 === 1 }),
    (n) => ({ n, half: n / 2, skipped: undefined }),
    (n) => ({ n, odd: n % 2 }),
    (n) => ({ n, wide: true, a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }),
    (n) => Object.assign(Object.create({ inherited: 1 }), { n }),
  ];
  for (let n = 0; n < 10_000; n += 1) telemetry.logEvent('counted', shapes[n % 6](n));
  await telemetry.flush();
  const events = server.events();
  assert.equal(events.length, 10_000);
  for (const [n, { event_metadata }] of events.entries()) {
    assert.deepEqual(event_metadata, JSON.parse(JSON.stringify(shapes[n % 6](n))));
  }
  assert.equal(new Set(events.map(({ event_id }) => event_id)).size, 10_000);
  assert.equal(sum(telemetry.stats().ledger), 10_000);
});

test('more keys than are remembered arrive all, and so does what is logged among them', async (t) => {
  const { server, telemetry } = await start(t, { batch: { maxQueueSize: 100_000 } });
  for (let n = 0; n < 12_000; n += 1) {
    telemetry.logEvent('often', { n });
    telemetry.logEvent('once', { [`key_${n}`]: n });
  }
  await telemetry.flush();
  const events = server.events();
  assert.equal(events.length, 24_000);
  for (const [index, { event_name, event_metadata }] of events.entries()) {
    const n = index >> 1;
    const [name, key] = index % 2 === 0 ? ['often', 'n'] : ['once', `key_${n}`];
    assert.equal(event_name, name);
    assert.deepEqual(event_metadata, { [key]: n });
  }
});

test('after five answers of 503 the same batch is delivered', async (t) => {
  const { server, telemetry } = await start(t, {}, (_, index) => ({
    status: index < 5 ? 503 : 200,
  }));
  telemetry.logEvent('patient', { n: 1 });
  await until(() => server.events().length === 1);
  await until(() => telemetry.stats().ledger.delivered === 1);
  const ids = new Set(server.requests.map(({ body }) => body.batch.id));
  assert.equal(server.requests.length, 6);
  assert.equal(ids.size, 1);
  assert.equal(new Set(server.requests.map(({ body }) => body.events[0].event_id)).size, 1);
});

test('Retry-After wins over the backoff', async (t) => {
  const { server, telemetry } = await start(t, {}, (_, index) =>
    index === 0 ? { status: 429, headers: { 'Retry-After': '2' } } : undefined,
  );
  telemetry.logEvent('throttled');
  await until(() => server.events().length === 1);
  const [first, second] = server.requests;
  // Its own backoff would be 50 ms at most.
  assert.ok(second.at - first.at >= 1_900, `${second.at - first.at} ms`);
});

test('a 401 asks for a new token, and then goes without one', async (t) => {
  let asked = 0;
  const { server, telemetry } = await start(
    t,
    { auth: async () => `Bearer ${++asked}` },
    ({ headers }) => ({ status: headers.authorization ? 401 : 200 }),
  );
  telemetry.logEvent('refused');
  await until(() => server.events().length === 1);
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ['Bearer 1', 'Bearer 2', undefined],
  );
});

test('a refreshed token is enough', async (t) => {
  let asked = 0;
  const { server, telemetry } = await start(
    t,
    { auth: () => `Bearer ${++asked}` },
    ({ headers }) => ({ status: headers.authorization === 'Bearer 1' ? 403 : 200 }),
  );
  telemetry.logEvent('refreshed');
  await until(() => server.events().length === 1);
  assert.equal(server.accepted()[0].headers.authorization, 'Bearer 2');
});

test('with authFallback off a refused batch is dropped and counted', async (t) => {
  const { telemetry } = await start(
    t,
    { auth: () => 'Bearer bad', batch: { authFallback: false } },
    () => ({ status: 401 }),
  );
  telemetry.logEvent('refused');
  const { dropped } = await telemetry.flush();
  assert.equal(dropped, 1);
  assert.deepEqual(telemetry.stats().ledger.dropped, { unauthorized: 1 });
});

test('a batch that is too large is split until it fits', async (t) => {
  const { server, telemetry } = await start(t, {}, ({ body }) => ({
    status: body.events.length > 10 ? 413 : 200,
  }));
  for (let n = 0; n < 100; n += 1) telemetry.logEvent('large', { n });
  const { delivered } = await telemetry.flush();
  assert.equal(delivered, 100);
  const numbers = server.events().map(({ event_metadata: { n } }) => n);
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('a single event that is too large is dropped and counted, the others arrive', async (t) => {
  const { server, telemetry } = await start(t, {}, ({ body }) => ({
    status: body.events.some(({ event_name }) => event_name === 'huge') ? 413 : 200,
  }));
  for (const name of ['a', 'b', 'huge', 'c']) telemetry.logEvent(name);
  await telemetry.flush();
  assert.deepEqual(telemetry.stats().ledger.dropped, { too_large: 1 });
  const names = server.events().map(({ event_name }) => event_name);
  assert.deepEqual(names.sort(), ['a', 'b', 'c']);
});

test('an endpoint that never answers is given up after the time-out, and tried again', async (t) => {
  const { server, telemetry } = await start(
    t,
    { batch: { exportTimeoutMillis: 100 } },
    (_, index) => ({ hang: index < 2 }),
  );
  telemetry.logEvent('hung');
  await until(() => server.events().length === 1);
  assert.ok(server.requests.length >= 3);
});

test('a connection that breaks loses nothing', async (t) => {
  const { server, telemetry } = await start(t, {}, (_, index) => ({ status: index < 3 ? 0 : 200 }));
  telemetry.logEvent('broken');
  await until(() => server.events().length === 1);
  await until(() => telemetry.stats().ledger.delivered === 1);
});

for (const status of [400, 404, 422]) {
  test(`a ${status} drops the batch, counts it, and is not tried again`, async (t) => {
    const { server, telemetry } = await start(t, {}, () => ({ status }));
    telemetry.logEvent('refused');
    telemetry.logEvent('refused');
    const { dropped } = await telemetry.flush();
    assert.equal(dropped, 2);
    assert.equal(server.requests.length, 1);
    assert.deepEqual(telemetry.stats().ledger.dropped, { rejected: 2 });
  });
}

test('the next batch tells the server what was dropped', async (t) => {
  const { server, telemetry } = await start(t, {}, (_, index) => ({
    status: index === 0 ? 400 : 200,
  }));
  telemetry.logEvent('refused');
  await telemetry.flush();
  telemetry.logEvent('taken');
  await telemetry.flush();
  assert.deepEqual(server.accepted()[0].body.batch.dropped, { rejected: 1 });
  telemetry.logEvent('taken');
  await telemetry.flush();
  assert.equal(server.accepted()[1].body.batch.dropped, undefined);
});

test('a redirect is not followed', async (t) => {
  const other = await startServer(t);
  const { server, telemetry } = await start(t, {}, () => ({
    status: 307,
    headers: { Location: `${other.url}/api/event_logging/batch` },
  }));
  telemetry.logEvent('turned');
  await telemetry.flush();
  assert.equal(server.requests.length, 1);
  assert.equal(other.requests.length, 0);
  assert.deepEqual(telemetry.stats().ledger.dropped, { rejected: 1 });
});

test('maxAttempts ends the retries of a batch', async (t) => {
  const { server, telemetry } = await start(t, { batch: { maxAttempts: 3 } }, () => ({
    status: 503,
  }));
  telemetry.logEvent('hopeless');
  await until(() => telemetry.stats().ledger.dropped.max_attempts === 1);
  assert.equal(server.requests.length, 3);
});

test('large bodies are compressed', async (t) => {
  const { server, telemetry } = await start(t);
  for (let n = 0; n < 100; n += 1) telemetry.logEvent('compressed', { n });
  await telemetry.flush();
  assert.equal(server.requests[0].headers['content-encoding'], 'gzip');
  assert.equal(server.events().length, 100);
});

test("the host's headers go along, and none of them replaces ours", async (t) => {
  const { server, telemetry } = await start(t, {
    headers: { 'X-Shop': 'nz', Authorization: 'Bearer sneaked', 'Content-Type': 'text/plain' },
  });
  telemetry.logEvent('sent');
  await telemetry.flush();
  const [{ headers }] = server.requests;
  assert.equal(headers['x-shop'], 'nz');
  assert.equal(headers.authorization, undefined);
  assert.match(String(headers['content-type']), /^application\/json/);
});

test('flush gives up at its time, and nothing is lost by that', async (t) => {
  const batch = { exportTimeoutMillis: 300 };
  const { server, telemetry } = await start(t, { batch }, () => ({ hang: true }));
  telemetry.logEvent('waiting');
  const report = await telemetry.flush({ timeoutMillis: 50 });
  assert.equal(report.timedOut, true);
  assert.equal(report.queued + report.inFlight + report.stored, 1);
  server.answerWith(() => undefined);
  await until(() => telemetry.stats().ledger.delivered === 1);
});

test('what is logged after shutdown is not accepted, and counted', async (t) => {
  const { server, telemetry } = await start(t);
  telemetry.logEvent('before');
  await telemetry.shutdown();
  telemetry.logEvent('after', { n: 1 });
  const { state, ledger } = telemetry.stats();
  assert.equal(state, 'shut-down');
  assert.equal(ledger.suppressed, 1);
  assert.equal(ledger.accepted, 1);
  assert.equal(server.events().length, 1);
});

test('a service that starts while its endpoint is down delivers later', async (t) => {
  // Nobody is there: a request that is given up as it arrives would come a second time later.
  const first = open(t, 'http://127.0.0.1:9');
  for (let n = 0; n < 50; n += 1) first.telemetry.logEvent('early', { n });
  await until(() => first.telemetry.stats().store.events === 50);
  await first.telemetry.shutdown({ timeoutMillis: 0 });

  const server = await startServer(t);
  const second = open(t, server.url, { directory: first.directory });
  await until(() => server.events().length >= 50);
  // The answer may still be on its way.
  await until(() => second.telemetry.stats().ledger.delivered === 50);
  assert.equal(second.telemetry.stats().store.events, 0);
  assert.equal(server.events().length, 50);
});
