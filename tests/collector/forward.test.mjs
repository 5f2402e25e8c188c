// Forwarding: the package to the endpoint to a real OpenTelemetry collector.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startEndpoint } from '../support/endpoint.mjs';
import { folder, open, sum } from '../support/package.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { batch, event } from './support.mjs';

function log(telemetry) {
  telemetry.logEvent('checkout', { items: 3, total: 149.9, express: true, user_id: 5 });
  telemetry.logExperiment({
    experimentId: 'button',
    variationId: 1,
    userAttributes: { plan: 'pro' },
  });
}

const settings = {
  serviceVersion: '1.2.3',
  sessionId: 's1',
  userId: 'u1',
  user: { deviceId: 'd1', tier: 'gold' },
  context: { environment: 'production' },
  batch: { scheduledDelayMillis: 60_000 },
};

/** What differs from run to run is left out. */
const same = (records) =>
  records.map(({ eventName, body, resource, scope, attributes: { event_id: _, ...rest } }) => ({
    ...{ eventName, body, resource, rest },
    scope: Object.keys(scope.attributes).sort(),
  }));

test('a collector gets from each format just what the package would have sent to it', async (t) => {
  const receiver = await startReceiver(t);
  const args = ['--forward', `${receiver.url}/v1/logs`];
  const endpoint = await startEndpoint(t, args);
  const seen = [];
  const targets = /** @type {const} */ ([
    [receiver.url, 'otlp-protobuf'],
    [endpoint.address, 'json'],
    [endpoint.address, 'otlp-json'],
    [endpoint.address, 'otlp-protobuf'],
  ]);
  for (const [url, format] of targets) {
    const { telemetry } = open(t, url, { ...settings, format });
    log(telemetry);
    const { delivered } = await telemetry.flush();
    assert.equal(delivered, 2);
    const before = seen.length;
    await until(() => receiver.records().length >= before + 2);
    seen.push(...receiver.records().slice(before));
  }
  // An exposure goes out ahead, in a batch of its own; which of the two is printed first is open.
  const sorted = (from) =>
    same(seen.slice(from, from + 2)).sort((a, b) => (a.body < b.body ? -1 : 1));
  for (const from of [2, 4, 6]) assert.deepEqual(sorted(from), sorted(0), targets[from / 2][1]);
});

test('the collector is killed and comes back: the endpoint says so, and everything arrives', async (t) => {
  const receiver = await startReceiver(t);
  const endpoint = await startEndpoint(t, ['--forward', `${receiver.url}/v1/logs`]);
  const { telemetry } = open(t, endpoint.address, { batch: { maxExportBatchSize: 10 } });
  let logged = 0;
  const log = () => {
    for (const end = logged + 50; logged < end; logged += 1) telemetry.logEvent('n', { n: logged });
  };
  const numbers = () => new Set(receiver.records().map(({ attributes: { n } }) => Number(n)));
  log();
  await telemetry.flush();
  await until(() => numbers().size === 50);
  await receiver.stop('SIGKILL');
  log();
  await until(() => telemetry.stats().ledger.stored > 0);
  await receiver.start();
  await until(() => telemetry.stats().ledger.delivered === logged);
  await until(() => numbers().size === logged);
  assert.equal(sum(telemetry.stats().ledger), logged);
  assert.deepEqual(telemetry.stats().ledger.dropped, {});
  assert.ok(endpoint.problems().some(({ problem }) => problem === 'forward failed'));
});

test('what the collector answers is passed on, unless only this endpoint can mend it', async (t) => {
  let answer = {};
  const upstream = await startServer(t, () => answer);
  const endpoint = await startEndpoint(t, ['--forward', `${upstream.url}/v1/logs`]);
  const send = () =>
    fetch(`${endpoint.address}/api/event_logging/batch`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(batch({ events: [event()] })),
    });
  for (const [status, expected] of [
    [200, 200],
    [429, 429],
    [503, 503],
    [413, 413],
    [400, 400],
    [401, 502],
    [404, 502],
    [302, 502],
    [0, 503],
  ]) {
    answer = { status, headers: { 'Retry-After': '7', 'Content-Type': 'application/json' } };
    const response = await send();
    assert.equal(response.status, expected, `${status}`);
    if (status === 429) assert.equal(response.headers.get('retry-after'), '7');
  }
});

test('an API key goes to the collector along, and is told nobody', async (t) => {
  const upstream = await startServer(t, () => ({ status: 404 }));
  const file = join(folder(t), 'headers');
  writeFileSync(file, 'Authorization: Bearer sesame-open-7\nX-Tenant: a: b\n');
  const args = ['--forward', `${upstream.url}/v1/logs`, '--forward-headers', file];
  const endpoint = await startEndpoint(t, args);
  const { telemetry } = open(t, endpoint.address);
  telemetry.logEvent('seen');
  await telemetry.flush();
  const [{ headers }] = upstream.requests;
  assert.equal(headers.authorization, 'Bearer sesame-open-7');
  assert.equal(headers['x-tenant'], 'a: b');
  assert.equal(headers['content-type'], 'application/json');
  assert.ok(endpoint.problems().length > 0);
  assert.doesNotMatch(endpoint.printed(), /sesame/);

  for (const [line, problem] of [
    ['sesame-open-7', /--forward-headers must hold "Name: value" in line 2/],
    ['Content-Type: sesame', /--forward-headers must not set Content-Type in line 2/],
  ]) {
    writeFileSync(file, `X-Tenant: a\n${line}`);
    await assert.rejects(startEndpoint(t, args), (/** @type {Error} */ { message }) => {
      assert.match(message, problem);
      assert.doesNotMatch(message, /sesame/);
      return true;
    });
  }
});

test('a partial success reaches the package, which counts what was rejected', async (t) => {
  const partialSuccess = { rejectedLogRecords: '2', errorMessage: 'two are too old' };
  const headers = { 'Content-Type': 'application/json' };
  const upstream = await startServer(t, () => ({
    headers,
    body: JSON.stringify({ partialSuccess }),
  }));
  const endpoint = await startEndpoint(t, ['--forward', `${upstream.url}/v1/logs`]);
  const { telemetry } = open(t, endpoint.address, { format: 'otlp-json', ...settings });
  for (let n = 0; n < 5; n += 1) telemetry.logEvent('counted', { n });
  await telemetry.flush();
  const { delivered, dropped } = telemetry.stats().ledger;
  assert.equal(delivered, 3);
  assert.deepEqual(Object.values(dropped), [2]);
  const [{ headers: sent, body }] = upstream.requests;
  assert.equal(sent['content-encoding'], 'gzip');
  assert.equal(body.resourceLogs[0].scopeLogs[0].logRecords.length, 5);
});
