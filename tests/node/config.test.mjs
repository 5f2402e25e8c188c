// Configuration that changes while events come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { folder, start, sum, Telemetry } from '../support/package.mjs';
import { seed } from '../support/seed.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const counts = (events) => {
  const seen = new Map();
  for (const {
    event_metadata: { n },
  } of events)
    seen.set(n, (seen.get(n) ?? 0) + 1);
  return seen;
};

test('patches at any moment under load lose nothing and double nothing', async (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = randomFrom(seed);
  const pick = (...choices) => choices[Math.floor(random() * choices.length)];
  const [server, other] = [await startServer(t), await startServer(t)];
  const { telemetry } = openRemote(t, [server.url, other.url]);
  const patches = [
    () => ({ batch: { maxExportBatchSize: pick(1, 7, 50, 200, null) } }),
    () => ({ batch: { scheduledDelayMillis: pick(10, 50, 1_000, null) } }),
    () => ({ batch: { baseUrl: pick(server.url, other.url) } }),
    () => ({ batch: { path: pick('/a', '/b', null) } }),
    () => ({ batch: { maxExportBatchBytes: pick(1_024, 65_536, null) } }),
    () => ({ batch: { maxAttempts: pick(1, 100), unknown: 1, maxQueueSize: 'no' } }),
    () => ({ sampling: { counted: pick(null, { sample_rate: 1 }) } }),
    () => ({ batch: null, sampling: null }),
  ];
  let n = 0;
  while (n < 20_000) {
    for (let burst = Math.floor(random() * 300); burst > 0; burst -= 1) {
      telemetry.logEvent('counted', pick({ n }, { n, odd: true }));
      n += 1;
    }
    telemetry.updateConfig(pick(...patches)());
    if (random() < 0.3) await sleep(random() * 10);
    assert.equal(sum(telemetry.stats().ledger), telemetry.stats().ledger.accepted);
  }
  telemetry.updateConfig({ batch: { baseUrl: server.url, maxAttempts: 100 } });
  // Thousands of batches of one event each, if the dice want it.
  await telemetry.flush({ timeoutMillis: 600_000 });
  const seen = counts([...server.events(), ...other.events()]);
  assert.equal(seen.size, n);
  assert.deepEqual(
    [...seen.values()].filter((count) => count !== 1),
    [],
  );
  assert.equal(telemetry.stats().ledger.delivered, n);
});

/** An instance that has all of its configuration from `updateConfig`: what options say would win. */
function openRemote(t, allowedOrigins) {
  const directory = folder(t);
  const telemetry = new Telemetry({ serviceName: 'remote', directory, allowedOrigins });
  t.after(() => telemetry.shutdown({ timeoutMillis: 0 }));
  telemetry.updateConfig({ batch: { baseUrl: allowedOrigins[0] } });
  return { telemetry };
}

function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('a patch tells what changed and what was not taken, each alone', async (t) => {
  const { telemetry } = await start(t);
  const patch = {
    batch: { maxExportBatchSize: 50, maxAttempts: 'many', path: '//evil', fancy: 1 },
    sampling: { opened: { sample_rate: 0.5 } },
    surprise: true,
  };
  const { changed, rejected } = telemetry.updateConfig(patch);
  assert.deepEqual(changed.sort(), ['batch.maxExportBatchSize', 'sampling.opened']);
  assert.deepEqual(rejected.map(({ path }) => path).sort(), [
    'batch.fancy',
    'batch.maxAttempts',
    'batch.path',
    'surprise',
  ]);
  for (const { reason } of rejected) assert.ok(reason.length > 5);
  assert.equal(telemetry.stats().config.batch.maxExportBatchSize, 50);
  assert.deepEqual(telemetry.updateConfig(patch).changed, [], 'the same again changes nothing');
  telemetry.updateConfig({ batch: { maxExportBatchSize: null } });
  assert.equal(telemetry.stats().config.batch.maxExportBatchSize, 200);
});

test('an explicit option wins over a patch', async (t) => {
  const { telemetry } = await start(t, { batch: { maxExportBatchSize: 33 } });
  assert.deepEqual(telemetry.updateConfig({ batch: { maxExportBatchSize: 44 } }).changed, []);
  assert.equal(telemetry.stats().config.batch.maxExportBatchSize, 33);
});

test('a patch can not turn events toward another host', async (t) => {
  const { server, telemetry } = await start(t);
  for (const baseUrl of ['http://evil.example', 'ftp://127.0.0.1', 'javascript:0', 7]) {
    const { changed, rejected } = telemetry.updateConfig({ batch: { baseUrl } });
    assert.deepEqual(changed, []);
    assert.equal(rejected[0].path, 'batch.baseUrl');
  }
  telemetry.logEvent('sent');
  await telemetry.flush();
  assert.equal(server.events().length, 1);
});

test('the kill switch stops everything, until it is lifted', async (t) => {
  const { server, telemetry } = await start(t);
  telemetry.updateConfig({ killed: true });
  for (let n = 0; n < 5; n += 1) telemetry.logEvent('unheard', { n });
  await telemetry.flush({ timeoutMillis: 50 });
  assert.equal(server.requests.length, 0);
  assert.equal(telemetry.stats().ledger.suppressed, 5);
  telemetry.updateConfig({ killed: false });
  telemetry.logEvent('heard', { n: 5 });
  await telemetry.flush();
  assert.deepEqual([...counts(server.events()).keys()], [5]);
});

test('a kill switch with a time ends by itself', async (t) => {
  const { server, telemetry } = await start(t);
  telemetry.updateConfig({ killed: { until: Date.now() + 300 } });
  telemetry.logEvent('unheard', { n: 0 });
  await until(() => {
    telemetry.logEvent('heard', { n: 1 });
    return telemetry.stats().ledger.accepted > 0;
  });
  await telemetry.flush();
  assert.ok(server.events().every(({ event_name }) => event_name === 'heard'));
});

for (const [rate, outcome] of [
  [undefined, 'all, nothing added'],
  [{ sample_rate: 1 }, 'all, nothing added'],
  [{ sample_rate: 'half' }, 'all, nothing added'],
  [{ sample_rate: 1.5 }, 'all, nothing added'],
  [{ sample_rate: -1 }, 'all, nothing added'],
  [{ sample_rate: 0 }, 'none'],
]) {
  test(`sampling ${JSON.stringify(rate)} logs ${outcome}`, async (t) => {
    const { server, telemetry } = await start(t);
    telemetry.updateConfig({ sampling: { counted: rate } });
    for (let n = 0; n < 50; n += 1) telemetry.logEvent('counted', { n });
    telemetry.logEvent('other', { n: 50 });
    await telemetry.flush();
    const events = server.events();
    const wanted = outcome === 'none' ? 1 : 51;
    assert.equal(events.length, wanted);
    assert.equal(telemetry.stats().ledger.sampledOut, 51 - wanted);
    for (const { event_metadata } of events) assert.equal('sample_rate' in event_metadata, false);
  });
}

test('a rate between logs some, says so in each, and counts the others', async (t) => {
  const { server, telemetry } = await start(t, {
    sampling: { counted: { sample_rate: 0.5 } },
    batch: { maxQueueSize: 10_000 },
  });
  for (let n = 0; n < 4_000; n += 1) telemetry.logEvent('counted', { n });
  await telemetry.flush();
  const events = server.events();
  // Eight standard deviations on each side.
  assert.ok(events.length > 1_740 && events.length < 2_260, `${events.length}`);
  assert.equal(events.length + telemetry.stats().ledger.sampledOut, 4_000);
  for (const { event_metadata } of events) assert.equal(event_metadata.sample_rate, 0.5);
});

test('sampling by session keeps all of a session or none', async (t) => {
  const { server, telemetry } = await start(t, {
    sampling: { counted: { sample_rate: 0.5, by: 'session' } },
  });
  const sessions = 40;
  for (let n = 0; n < sessions * 5; n += 1) {
    if (n % 5 === 0) telemetry.setUser({ sessionId: `s${n / 5}` });
    telemetry.logEvent('counted', { n });
  }
  await telemetry.flush();
  const bySession = new Map();
  for (const {
    event_metadata: { n },
  } of server.events()) {
    const session = Math.floor(n / 5);
    bySession.set(session, (bySession.get(session) ?? 0) + 1);
  }
  assert.ok(bySession.size > 0 && bySession.size < sessions, `${bySession.size}`);
  assert.deepEqual(new Set(bySession.values()), new Set([5]));
});

test('context and user hold from the call on, and not before', async (t) => {
  const { server, telemetry } = await start(t);
  telemetry.logEvent('counted', { n: 0 });
  telemetry.logEvent('counted', { n: 1 });
  telemetry.setContext({ page: 'cart' });
  telemetry.setUser({ userId: 'u1', plan: 'pro' });
  telemetry.logEvent('counted', { n: 2 });
  telemetry.setContext({ page: null });
  telemetry.logEvent('counted', { n: 3 });
  await telemetry.flush();
  const seen = server
    .events()
    .map(({ user_id, core_metadata, user_metadata }) => [
      user_id,
      core_metadata?.page,
      user_metadata?.plan,
    ]);
  assert.deepEqual(seen, [
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
    ['u1', 'cart', 'pro'],
    ['u1', undefined, 'pro'],
  ]);
});
