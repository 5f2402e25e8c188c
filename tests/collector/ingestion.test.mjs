import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import Database from 'libsql';
import { batch, event, exposure, startCollector } from './support.mjs';

test('keeps every column of an event and of an exposure', async (t) => {
  const collector = await startCollector(t);
  const sent = batch({
    resource: { 'service.name': 'shop', 'service.version': '1.4.0' },
    events: [
      event({ user_id: 'u1', core_metadata: { web: true }, user_metadata: { plan: 2 } }),
      exposure({ session_id: 's1', user_attributes: '{"id":"x"}', environment: 'production' }),
    ],
  });
  assert.deepEqual((await collector.send(sent)).body, {});
  const [kept] = (await collector.get('/api/events')).body;
  assert.equal(kept.service, 'shop');
  assert.equal(kept.event_name, 'item_added');
  assert.equal(kept.timestamp, '2026-01-02T03:04:05.678Z');
  assert.equal(kept.user_id, 'u1');
  assert.deepEqual(kept.core_metadata, { web: true });
  assert.deepEqual(kept.user_metadata, { plan: 2 });
  assert.deepEqual(kept.event_metadata, { items: 3, express: true });
  const found = await collector.post('/api/query', {
    sql: 'SELECT experiment_id, variation_id, session_id, user_attributes, environment FROM exposures',
  });
  assert.deepEqual(found.body.rows, [['checkout-button', 1, 's1', '{"id":"x"}', 'production']]);
});

test('drops what it has already, by event_id, and counts it', async (t) => {
  const collector = await startCollector(t);
  const first = batch({ events: [event(), event(), exposure()], seq: 1 });
  await collector.send(first);
  await collector.send({ ...first, batch: { ...first.batch, attempt: 2 } });
  await collector.send(batch({ events: [first.events[0], event()], seq: 2 }));
  const state = await collector.state();
  assert.equal(state.events, 3);
  assert.equal(state.exposures, 1);
  assert.equal(state.duplicates, 4);
  assert.equal(state.batches, 2);
  const { body: batches } = await collector.get('/api/batches?limit=10');
  const repeated = batches.find((row) => row.batch_id === first.batch.id);
  assert.equal(repeated.attempts_seen, 2);
  assert.equal(repeated.last_attempt, 2);
  assert.equal(repeated.duplicates, 3);
});

test('a repeated batch does not report its drops twice', async (t) => {
  const collector = await startCollector(t);
  const sent = batch({ dropped: { queue_full: 3, too_large: 1 } });
  await collector.send(sent);
  await collector.send({ ...sent, batch: { ...sent.batch, attempt: 2 } });
  await collector.send(batch({ seq: 2, dropped: { queue_full: 2 } }));
  assert.deepEqual((await collector.state()).dropReports, { queue_full: 5, too_large: 1 });
});

test('counts the batches of each client that are missing', async (t) => {
  const collector = await startCollector(t);
  const other = { client_id: randomUUID() };
  for (const seq of [1, 2, 5]) await collector.send(batch({ seq }));
  for (const seq of [2, 3]) await collector.send(batch({ seq, ...other }));
  assert.equal((await collector.state()).missingBatches, 3);
  await collector.send(batch({ seq: 4 }));
  const state = await collector.state();
  assert.equal(state.missingBatches, 2);
  const client = state.clients.find((row) => row.client_id === other.client_id);
  assert.deepEqual([client.first_seq, client.last_seq, client.missing], [2, 3, 1]);
});

test('tells services apart', async (t) => {
  const collector = await startCollector(t);
  await collector.send(batch({ events: [event(), exposure()] }));
  await collector.send(batch({ resource: { 'service.name': 'tool' }, client_id: randomUUID() }));
  const { services } = await collector.state();
  assert.deepEqual(
    services.map((row) => [row.service, row.events, row.exposures]),
    [
      ['shop', 1, 1],
      ['tool', 1, 0],
    ],
  );
});

test('inflates gzip', async (t) => {
  const collector = await startCollector(t);
  const response = await fetch(`${collector.address}/api/event_logging/batch`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
    body: gzipSync(JSON.stringify(batch())),
  });
  assert.equal(response.status, 200);
  const [row] = (await collector.get('/api/batches')).body;
  assert.equal(row.compressed, 1);
  assert.equal(row.events, 1);
});

test('a query reads and cannot write, run away or run a second statement', async (t) => {
  const collector = await startCollector(t);
  await collector.send(batch({ events: [event(), event()] }));
  const query = (sql) => collector.post('/api/query', { sql });
  const counted = await query(
    'WITH e AS (SELECT * FROM events) SELECT count(*) AS n FROM e -- all',
  );
  assert.deepEqual(counted.body, { columns: ['n'], rows: [[2]], truncated: false });
  for (const sql of [
    'DELETE FROM events',
    'PRAGMA journal_mode = DELETE',
    'WITH e AS (SELECT 1) DELETE FROM events',
    'SELECT 1) LIMIT 1; DELETE FROM events; --',
    'SELECT * FROM nowhere',
    '',
    undefined,
    7,
  ]) {
    const { status, body } = await query(sql);
    const harmless = status === 200 && body.rows.length === 1;
    assert.ok(status === 400 || harmless, `${sql}: ${status}`);
  }
  assert.equal((await collector.state()).events, 2);
  const many = await query(
    'WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) SELECT x FROM c LIMIT 2000',
  );
  assert.equal(many.body.rows.length, 500);
  assert.equal(many.body.truncated, true);
  const endless = await query(
    'WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c',
  );
  assert.equal(endless.status, 408);
});

test('waits while somebody else writes, and then says so', async (t) => {
  const collector = await startCollector(t);
  const writer = new Database(collector.database.file);
  t.after(() => writer.close());
  writer.exec('BEGIN IMMEDIATE');
  const answers = await Promise.all([1, 2, 3].map((seq) => collector.send(batch({ seq }))));
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get('retry-after')]),
    Array(3).fill([503, '5']),
  );
  writer.exec('ROLLBACK');
  assert.equal((await collector.send(batch({ seq: 1 }))).status, 200);
  assert.equal((await collector.state()).batches, 1);
});
