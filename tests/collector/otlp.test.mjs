// OTLP logs that an OpenTelemetry collector exports become what the `json` format would have held.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../support/server.mjs';
import { startCollector } from './support.mjs';

const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e';
const other = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

const varint = (/** @type {bigint} */ value) => {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
};
const part = (number, bytes) => [(number << 3) | 2, ...varint(BigInt(bytes.length)), ...bytes];
const text = (number, value) => part(number, Buffer.from(value));
const fixed = (number, value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return [(number << 3) | 1, ...bytes];
};
const double = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [(4 << 3) | 1, ...bytes];
};
const value = (held) => {
  if (typeof held === 'string') return text(1, held);
  if (typeof held === 'boolean') return [2 << 3, Number(held)];
  return typeof held === 'bigint' ? [3 << 3, ...varint(held)] : double(held);
};
const attributes = (number, held) =>
  Object.entries(held).flatMap(([key, each]) =>
    part(number, [...text(1, key), ...part(2, value(each))]),
  );
const record = (eventName, held) =>
  part(2, [
    ...fixed(1, 1_767_323_045_678_000_000n),
    ...part(5, text(1, eventName)),
    ...attributes(6, held),
    // Flags, which nothing here reads.
    ...[(8 << 3) | 5, 0, 0, 0, 0],
    ...text(12, eventName),
  ]);
const scope = {
  'batch.id': uuid,
  'batch.client_id': other,
  'batch.seq': 17n,
  'batch.attempt': 2n,
  'batch.sent_at': '2026-01-02T03:04:15.002Z',
  'batch.dropped.queue_full': 3n,
};
const request = (...records) =>
  Buffer.from(
    part(1, [
      ...part(1, attributes(1, { 'service.name': 'shop' })),
      ...part(2, [...part(1, attributes(3, scope)), ...records.flat()]),
    ]),
  );

async function exported(address, body) {
  const response = await fetch(`${address}/exported/v1/logs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body,
  });
  return { status: response.status, text: await response.text() };
}

test('a batch, its events and its exposure are where the json format puts them', async (t) => {
  const { address, get, post, state } = await startCollector(t, { otlp: 'http://127.0.0.1:9' });
  const event = {
    items: 3n,
    negative: -7n,
    total: 149.9,
    express: true,
    'event_metadata.user_id': 5n,
    event_id: uuid,
    user_id: 'u1',
    session_id: 's1',
    device_id: 'd1',
    'core_metadata.plan': 'pro',
    'user_metadata.tier': 'gold',
  };
  const exposure = { event_id: other, experiment_id: 'e', variation_id: 1n, session_id: 's1' };
  const body = request(record('checkout', event), record('growthbook_experiment', exposure));
  assert.deepEqual(await exported(address, body), { status: 200, text: '' });
  assert.equal((await exported(address, body)).status, 200);

  const [stored] = (await get('/api/events')).body;
  assert.equal(stored.event_name, 'checkout');
  assert.equal(stored.event_id, uuid);
  assert.equal(stored.timestamp, '2026-01-02T03:04:05.678Z');
  assert.equal(stored.user_id, 'u1');
  assert.deepEqual(stored.core_metadata, { session_id: 's1', plan: 'pro' });
  assert.deepEqual(stored.user_metadata, { device_id: 'd1', tier: 'gold' });
  assert.deepEqual(stored.event_metadata, {
    items: 3,
    negative: -7,
    total: 149.9,
    express: true,
    user_id: 5,
  });
  const sql = 'SELECT experiment_id, variation_id, session_id FROM exposures';
  assert.deepEqual((await post('/api/query', { sql })).body.rows, [['e', 1, 's1']]);
  const [batch] = (await get('/api/batches')).body;
  assert.equal(batch.seq, 17);
  assert.equal(batch.attempts_seen, 2);
  assert.deepEqual(batch.dropped, { queue_full: 3 });
  const { events, exposures, duplicates, invalidBatches } = await state();
  assert.deepEqual(
    { events, exposures, duplicates, invalidBatches },
    { events: 1, exposures: 1, duplicates: 2, invalidBatches: 0 },
  );
});

test('bytes that are no OTLP logs are refused, wherever they end', async (t) => {
  const { address, state } = await startCollector(t, { otlp: 'http://127.0.0.1:9' });
  const whole = request(record('checkout', { event_id: uuid, items: 3n, total: 0.5 }));
  const step = 7;
  let refused = 0;
  for (let length = 1; length < whole.length; length += step) {
    assert.equal((await exported(address, whole.subarray(0, length))).status, 400, `${length}`);
    refused += 1;
  }
  for (const bytes of [Buffer.alloc(40, 255), Buffer.from('{"resourceLogs":[]}')]) {
    assert.equal((await exported(address, bytes)).status, 400);
    refused += 1;
  }
  const { events, invalidBatches } = await state();
  assert.deepEqual({ events, invalidBatches }, { events: 0, invalidBatches: refused });
});

test('what comes to /v1/logs goes on as it is, and the answer comes back', async (t) => {
  const behind = await startServer(t, () => ({
    status: 429,
    headers: { 'Content-Type': 'application/x-protobuf', 'Retry-After': '7' },
    body: Buffer.from([1, 2]),
  }));
  const { address, put } = await startCollector(t, { otlp: behind.url });
  const send = () =>
    fetch(`${address}/v1/logs`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-protobuf', Authorization: 'secret' },
      body: Buffer.from([10, 0]),
    });
  const response = await send();
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('content-type'), 'application/x-protobuf');
  assert.equal(response.headers.get('retry-after'), '7');
  assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [1, 2]);
  const [{ path, headers, bytes }] = behind.requests;
  assert.equal(path, '/v1/logs');
  assert.equal(headers['content-type'], 'application/x-protobuf');
  assert.deepEqual([...bytes], [10, 0]);

  await put('/api/faults', { mode: 'error500' });
  assert.equal((await send()).status, 500);
  assert.equal(behind.requests.length, 1);
});

test('without an OpenTelemetry collector there are no such routes', async (t) => {
  const { address } = await startCollector(t);
  assert.equal((await exported(address, request())).status, 404);
});
