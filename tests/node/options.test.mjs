// Options that change what becomes of an event.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open, start, sum } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

for (const [what, enrich, added] of [
  ['at once', () => ({ added: 1 }), { added: 1 }],
  ['later', async () => sleep(20, { added: true }), { added: true }],
  ['nothing', () => undefined, {}],
  ['what an event may not hold', () => ({ added: 'text', n: 99 }), {}],
  [
    'an exception',
    () => {
      throw new Error('boom');
    },
    {},
  ],
  ['a rejection', async () => Promise.reject(new Error('boom')), {}],
]) {
  test(`enrich gives ${what}: the event goes out with the time of its call`, async (t) => {
    const { server, telemetry } = await start(t, { enrich });
    const before = Date.now();
    telemetry.logEvent('enriched', { n: 1 });
    telemetry.logEvent('enriched', { n: 2 });
    const after = Date.now();
    await until(() => server.events().length === 2);
    for (const [index, { event_metadata, timestamp }] of server.events().entries()) {
      assert.deepEqual(event_metadata, { n: index + 1, ...added });
      assert.ok(Date.parse(timestamp) >= before && Date.parse(timestamp) <= after);
    }
  });
}

test("a host's own store serves, also if it answers later", async (t) => {
  const records = new Map();
  const late = (/** @type {any} */ value) => sleep(1, value);
  const change = (/** @type {any} */ seen, /** @type {object} */ more) => {
    const record = records.get(seen.key);
    const same = record?.entry.lease === seen.lease && record.entry.attempts === seen.attempts;
    if (same) Object.assign(record.entry, more);
    return same ? record : undefined;
  };
  const store = {
    list: () => late([...records.values()].map(({ entry }) => ({ ...entry }))),
    put: (entry, bytes) => late(void records.set(entry.key, { entry: { ...entry }, bytes })),
    claim: (seen, lease, attempts) => late(change(seen, { lease, attempts })?.bytes),
    mark: (seen, lease, attempts) => late(change(seen, { lease, attempts }) !== undefined),
    remove: ({ key }) => late(void records.delete(key)),
    quarantine: (key) => late(void records.delete(key)),
    clear: () => late(void records.clear()),
  };
  const { server, telemetry } = await start(t, { store }, (_, index) => ({
    status: index < 3 ? 503 : 200,
  }));
  for (let n = 0; n < 10; n += 1) telemetry.logEvent('stored', { n });
  await until(() => records.size > 0);
  assert.equal(telemetry.stats().store.kind, 'host');
  await until(() => telemetry.stats().ledger.delivered === 10);
  await until(() => records.size === 0);
  assert.equal(server.events().length, 10);
});

test('a store that fails at everything costs no event while the endpoint is up', async (t) => {
  const fail = () => {
    throw new Error('broken');
  };
  const store = Object.fromEntries(
    ['list', 'put', 'claim', 'mark', 'remove', 'quarantine', 'clear'].map((name) => [name, fail]),
  );
  const { server, telemetry, diagnostics } = await start(
    t,
    { store: /** @type {any} */ (store), durability: 'write-ahead' },
    (_, index) => ({ status: index < 2 ? 503 : 200 }),
  );
  for (let n = 0; n < 10; n += 1) telemetry.logEvent('kept', { n });
  await until(() => telemetry.stats().ledger.delivered === 10);
  assert.equal(server.events().length, 10);
  assert.ok(
    diagnostics.some(({ code }) => code === 'store_failed'),
    JSON.stringify(diagnostics),
  );
});

const slowRetries = { baseBackoffMillis: 60_000, maxBackoffMillis: 60_000 };

test('a full queue spills to the store', async (t) => {
  const server = await startServer(t, () => ({ status: 503 }));
  const { telemetry } = open(t, server.url, { batch: slowRetries });
  await telemetry.ready();
  for (let n = 0; n < 50_000; n += 1) telemetry.logEvent('flood', { n });
  await until(() => telemetry.stats().ledger.inFlight === 0);
  const { ledger } = telemetry.stats();
  assert.ok(ledger.stored > 30_000, `${ledger.stored}`);
  assert.deepEqual(ledger.dropped, {});
  assert.equal(sum(ledger), 50_000);
});

test('without a store a full queue drops the newest, counted', async (t) => {
  const { server, telemetry } = await start(
    t,
    { batch: { ...slowRetries, maxQueueSize: 100, maxStoreBytes: 0 } },
    (_, index) => ({ status: index === 0 ? 503 : 200 }),
  );
  for (let n = 0; n < 1_000; n += 1) telemetry.logEvent('flood', { n });
  await until(() => server.requests[0]?.status === 503);
  await until(() => telemetry.stats().ledger.inFlight === 0);
  const { ledger } = telemetry.stats();
  assert.deepEqual(ledger.dropped, { queue_full: 1_000 - ledger.queued });
  assert.equal(sum(ledger), 1_000);
  assert.equal(server.requests[0].body.events[0].event_metadata.n, 0);
});

test('the store is bounded: its oldest goes first, counted', async (t) => {
  const server = await startServer(t, () => ({ status: 503 }));
  const { telemetry, directory } = open(t, server.url, {
    batch: { ...slowRetries, maxStoreBytes: 20_000 },
  });
  await telemetry.ready();
  for (let n = 0; n < 50_000; n += 1) telemetry.logEvent('flood', { n });
  await until(() => telemetry.stats().ledger.inFlight === 0);
  const { store, ledger } = telemetry.stats();
  const files = readdirSync(directory).filter((name) => name.endsWith('.batch'));
  assert.ok(store.bytes <= 20_000, `${store.bytes}`);
  assert.equal(store.batches, files.length);
  assert.ok(Number(ledger.dropped.store_full) > 0);
  assert.equal(sum(ledger), 50_000);
});

test('auth that throws keeps the batch, and says so', async (t) => {
  let calls = 0;
  const { server, telemetry, diagnostics } = await start(t, {
    auth: async () => {
      calls += 1;
      if (calls < 3) throw new Error('no token yet');
      return 'Bearer token';
    },
  });
  telemetry.logEvent('authorized');
  await until(() => server.events().length === 1);
  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0].headers.authorization, 'Bearer token');
  assert.ok(diagnostics.some(({ code }) => code === 'auth_failed'));
});

test('with skipAuth nobody asks for a token', async (t) => {
  const { server, telemetry } = await start(t, {
    auth: () => assert.fail('asked'),
    batch: { skipAuth: true },
  });
  telemetry.logEvent('anonymous');
  await telemetry.flush();
  assert.equal(server.requests[0].headers.authorization, undefined);
});

test('allowedOrigins bind the options too', async (t) => {
  const server = await startServer(t);
  const { telemetry, diagnostics } = open(t, server.url, { allowedOrigins: ['https://a.example'] });
  telemetry.logEvent('kept');
  await telemetry.flush({ timeoutMillis: 100 });
  assert.equal(server.requests.length, 0);
  assert.ok(
    diagnostics.some(({ field }) => field === 'batch.baseUrl'),
    JSON.stringify(diagnostics),
  );
});

test('options that make no sense are told, and the rest holds', async (t) => {
  const odd = /** @type {any} */ ({
    batch: { maxAttempts: -1, maxExportBatchSize: 10 },
    sampling: 7,
    consent: 'maybe',
    durability: 'forever',
    exit: 3,
    auth: 'Bearer x',
    context: 'x',
    headers: 7,
    allowedOrigins: undefined,
  });
  const { telemetry, diagnostics, server } = await start(t, odd);
  telemetry.logEvent('sound');
  await telemetry.flush();
  assert.equal(server.events().length, 1);
  assert.equal(telemetry.stats().config.batch.maxExportBatchSize, 10);
  const fields = diagnostics.map(({ field }) => field);
  for (const name of [
    'batch.maxAttempts',
    'sampling',
    'consent',
    'durability',
    'exit',
    'auth',
    'context',
    'headers',
  ]) {
    assert.ok(fields.includes(name), `${name} in ${fields}`);
  }
});

test('a header that no request can carry is told and left out, whole', async (t) => {
  const refused = [
    'Content-Length',
    'Connection',
    'keep-alive',
    'Transfer-Encoding',
    'upgrade',
    'Expect',
  ];
  const headers = {
    'x-fine': 'yes',
    'x-long': 'a'.repeat(8_192),
    'x-broken': 'a\nb',
    'a b': 'c',
    ...Object.fromEntries(refused.map((name) => [name, '1'])),
  };
  const { telemetry, diagnostics, server } = await start(t, { headers });
  telemetry.logEvent('sound');
  await telemetry.flush();
  const [{ headers: sent }] = server.requests;
  assert.equal(sent['x-fine'], 'yes');
  assert.equal(sent['x-long'], undefined);
  assert.equal(sent['x-broken'], undefined);
  assert.deepEqual(
    diagnostics.map(({ field }) => field),
    ['x-long', 'x-broken', 'a b', ...refused].map((name) => `headers.${name}`),
  );
});
