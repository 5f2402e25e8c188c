// The endpoint as one deploys it: limits, who may send, slow clients, its log and its end.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'libsql';
import { startEndpoint } from '../support/endpoint.mjs';
import { folder, open } from '../support/package.mjs';
import { until } from '../support/wait.mjs';
import { batch, event } from './support.mjs';

const ROUTE = '/api/event_logging/batch';

async function start(t, args = [], env = {}) {
  const file = join(folder(t), 'telemetry.db');
  const endpoint = await startEndpoint(t, ['--db', file, ...args], env);
  return {
    ...endpoint,
    send: (body, headers = {}, route = ROUTE) =>
      fetch(endpoint.address + route, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    rows(sql) {
      const db = new Database(file);
      try {
        return db.prepare(sql).raw().all();
      } finally {
        db.close();
      }
    },
  };
}

test('says where a batch is wrong, what was expected and what to do; the log holds nothing of it', async (t) => {
  const endpoint = await start(t);
  const wrong = batch({ events: [event({ event_metadata: { 'ann@example.com': ['secret'] } })] });
  const response = await endpoint.send(wrong);
  assert.equal(response.status, 400);
  const { error } = await response.json();
  assert.equal(error.path, 'events[0].event_metadata["ann@example.com"]');
  assert.equal(error.message, 'must be a number, a boolean or a string, not an array');
  assert.match(error.remedy, /leave the rest out/);
  await endpoint.send(batch({ events: [event({ event_name: 'ann', event_id: 'secret' })] }));
  await endpoint.send({ ...batch(), ann: 'secret' });
  await until(() => endpoint.problems().length === 3);
  assert.deepEqual(
    endpoint.problems().map(({ problem, status, path }) => [problem, status, path]),
    [
      ['refused', 400, 'events[*].event_metadata.*'],
      ['refused', 400, 'events[*].event_id'],
      ['refused', 400, '["*"]'],
    ],
  );
  assert.doesNotMatch(endpoint.printed(), /ann|secret/);
});

test('has none of what belongs to the demo', async (t) => {
  const endpoint = await start(t);
  for (const route of ['/', '/api/state', '/api/faults', '/api/query', '/api/config']) {
    assert.equal((await fetch(endpoint.address + route)).status, 404, route);
  }
  assert.deepEqual(await (await fetch(`${endpoint.address}/health`)).json(), { status: 'ok' });
});

test('a client over its limit is told when to come again, and no other is held up', async (t) => {
  const endpoint = await start(t, ['--client-events', '2', '--burst-seconds', '1']);
  const greedy = { events: Array.from({ length: 200 }, () => event()) };
  // A batch that is larger than the bucket passes, and is paid for afterwards.
  assert.equal((await endpoint.send(batch(greedy))).status, 200);
  const second = await endpoint.send(batch(greedy));
  assert.equal(second.status, 429);
  assert.ok(Number(second.headers.get('retry-after')) >= 90);
  assert.equal((await endpoint.send(batch({ client_id: randomUUID() }))).status, 200);
  assert.deepEqual(endpoint.rows('SELECT count(*) FROM events'), [[201]]);
});

test('the package waits as long as it is told, and then all of it arrives', async (t) => {
  const endpoint = await start(t, ['--client-events', '3', '--burst-seconds', '1']);
  const { telemetry } = open(t, endpoint.address, { batch: { maxExportBatchSize: 10 } });
  for (let n = 0; n < 20; n += 1) telemetry.logEvent('counted', { n });
  await until(() => telemetry.stats().ledger.delivered === 20);
  assert.ok(endpoint.problems().some(({ status }) => status === 429));
  assert.deepEqual(telemetry.stats().ledger.dropped, {});
  assert.deepEqual(endpoint.rows('SELECT count(*) FROM events'), [[20]]);
});

test('an address has a limit of its own, told by the proxy in front and by nobody else', async (t) => {
  const limited = ['--address-requests', '1', '--burst-seconds', '1', '--proxies', '1'];
  const endpoint = await start(t, limited);
  const from = (list) => endpoint.send(batch(), { 'X-Forwarded-For': list });
  const first = '2001:db8:1:2::1';
  assert.equal((await from(first)).status, 200);
  for (const same of [first, '2001:db8:1:2:ffff::9', `203.0.113.7, ${first}`]) {
    // The bucket holds one second's share: requests in a row find it in debt soon.
    await until(async () => (await from(same)).status === 429);
  }
  assert.equal((await from('2001:db8:1:3::1')).status, 200);
});

test('the token is asked for, compared whole, and not logged', async (t) => {
  const file = join(folder(t), 'token');
  const token = 'a-token-of-enough-characters';
  writeFileSync(file, `${token}\n`);
  const endpoint = await start(t, [], { ENDPOINT_TOKEN_FILE: file });
  for (const given of [undefined, `Bearer ${token}x`, 'Bearer a-token', token]) {
    const response = await endpoint.send(batch(), given && { Authorization: given });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
  }
  assert.equal((await endpoint.send(batch(), { Authorization: `Bearer ${token}` })).status, 200);
  assert.doesNotMatch(endpoint.printed(), /a-token/);
});

test('pages of the named origins may send, and of no others', async (t) => {
  const endpoint = await start(t, ['--origins', 'https://shop.example,https://b.example']);
  const preflight = async (Origin) => {
    const headers = { Origin, 'Access-Control-Request-Headers': 'content-type,content-encoding' };
    const response = await fetch(endpoint.address + ROUTE, { method: 'OPTIONS', headers });
    return response.headers;
  };
  const known = await preflight('https://b.example');
  assert.equal(known.get('access-control-allow-origin'), 'https://b.example');
  assert.equal(known.get('access-control-allow-headers'), 'content-type,content-encoding');
  assert.equal(known.get('access-control-expose-headers'), 'Retry-After');
  const foreign = await preflight('https://shop.example.evil.example');
  assert.equal(foreign.get('access-control-allow-origin'), null);
  assert.equal(foreign.get('access-control-allow-headers'), null);
});

test('bodies that take too much memory at once get 503, and room comes back', async (t) => {
  const endpoint = await start(t, ['--max-body-bytes', '4096', '--max-pending-bytes', '4096']);
  const large = batch({ events: Array.from({ length: 12 }, () => event()) });
  const tooLarge = batch({ events: Array.from({ length: 40 }, () => event()) });
  assert.equal((await endpoint.send(tooLarge)).status, 413);
  const socket = net.connect(Number(endpoint.port), '127.0.0.1');
  socket.write(`POST ${ROUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
  socket.write(`Content-Length: 4000\r\n\r\n${' '.repeat(3_000)}`);
  await until(async () => {
    const { status, headers } = await endpoint.send(large);
    return status === 503 && headers.get('retry-after') === '1';
  });
  socket.destroy();
  await until(async () => (await endpoint.send(large)).status === 200);
});

test('a client that sends too slowly is let go', async (t) => {
  const endpoint = await start(t, ['--request-seconds', '1']);
  const socket = net.connect(Number(endpoint.port), '127.0.0.1');
  socket.write(`POST ${ROUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
  socket.write('Content-Length: 4000\r\n\r\n{');
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 408/);
  assert.equal((await endpoint.send(batch())).status, 200);
});

test('SIGTERM: what was begun is finished, and kept', async (t) => {
  const endpoint = await start(t);
  const body = JSON.stringify(batch());
  const socket = net.connect(Number(endpoint.port), '127.0.0.1');
  socket.write(`POST ${ROUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
  socket.write(`Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
  // Answered behind it: the half request has been read.
  assert.equal((await endpoint.send(batch())).status, 200);
  const ended = endpoint.stop('SIGTERM');
  await until(() =>
    fetch(`${endpoint.address}/health`).then(
      () => false,
      () => true,
    ),
  );
  socket.write(body.slice(10));
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 200/);
  assert.equal(await ended, 0);
  assert.deepEqual(endpoint.rows('SELECT count(*) FROM events'), [[2]]);
});

test('OTLP: a bad batch among good ones is a partial success', async (t) => {
  const endpoint = await start(t);
  const { logsOf } = await import('../../www/collector/otlp-json.mjs');
  const good = batch({ events: [event(), event()] });
  const bad = batch({ events: [event({ event_id: 'none' })] });
  const response = await endpoint.send(logsOf([good, bad]), {}, '/v1/logs');
  assert.equal(response.status, 200);
  const { partialSuccess } = await response.json();
  assert.equal(partialSuccess.rejectedLogRecords, '1');
  assert.match(partialSuccess.errorMessage, /event_id must be a UUID/);
  assert.deepEqual(endpoint.rows('SELECT batch_id, events FROM batches'), [[good.batch.id, 2]]);
  assert.equal((await endpoint.send(logsOf([bad]), {}, '/v1/logs')).status, 400);
  assert.equal((await endpoint.send({ resourceLogs: [7] }, {}, '/v1/logs')).status, 400);

  // What is wrong with one of two batches: its time, and a name that objects have.
  for (const spoil of [
    (/** @type {any} */ { logRecords: [record] }) => {
      record.timeUnixNano = '9'.repeat(30);
    },
    (/** @type {any} */ { scope: { attributes } }) => {
      const reports = [{ key: 'Any Reason', value: { stringValue: 'text' } }];
      attributes.push({ key: 'batch.__proto__', value: { dropped: { reports } } });
    },
  ]) {
    const logs = logsOf([batch(), batch()].map((each) => ({ ...each, events: [event()] })));
    spoil(logs.resourceLogs[1].scopeLogs[0]);
    const response = await endpoint.send(logs, {}, '/v1/logs');
    assert.equal(response.status, 200);
    assert.equal((await response.json()).partialSuccess.rejectedLogRecords, '1');
  }
});
