// A real collector prints what it gets from the package: that is what was logged, field by field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLogs } from '../../www/collector/protobuf.mjs';
import { launch } from '../support/browser.mjs';
import { open, sum } from '../support/package.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { startServer } from '../support/server.mjs';
import { site, stats } from '../support/site.mjs';
import { until } from '../support/wait.mjs';
import { events, exposure, received, resource, settings, text } from './program.mjs';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const formats = /** @type {const} */ (['otlp-json', 'otlp-protobuf']);

function logAll(/** @type {import('../../pkg/index.d.ts').Telemetry} */ telemetry) {
  for (const { name, metadata } of events) telemetry.logEvent(name, metadata);
  telemetry.logEvent('said', { text: telemetry.verified(text) });
  telemetry.logExperiment(exposure);
}

/**
 * @param {import('../support/receiver.mjs').LogRecord[]} records
 * @param {bigint[]} times within which they were logged
 */
function check(records, [first, last]) {
  const ids = records.map(({ attributes: { event_id: id } }) => String(id));
  for (const id of ids) assert.match(id, uuid);
  assert.equal(new Set(ids).size, records.length);
  assert.deepEqual(
    records.map(({ eventName, attributes: { event_id: _, ...attributes } }) => ({
      eventName,
      attributes,
    })),
    received,
  );
  for (const record of records) {
    assert.equal(record.body, record.eventName);
    assert.equal(record.severity, 'SEVERITY_NUMBER_UNSPECIFIED(0)');
    assert.deepEqual(record.resource, resource);
    assert.equal(record.time, record.observedTime);
    assert.ok(first <= record.time && record.time <= last, `${record.time}`);
  }
}

/** @param {import('../support/receiver.mjs').LogRecord[]} records */
function checkScope(records) {
  const [{ scope }] = records;
  const {
    'batch.id': id,
    'batch.client_id': client,
    'batch.sent_at': sent,
    ...rest
  } = scope.attributes;
  assert.equal(scope.name, 'wasm-telemetry');
  assert.match(scope.version, /^\d+\.\d+\.\d+$/);
  assert.match(String(id), uuid);
  assert.match(String(client), uuid);
  assert.ok(Date.parse(String(sent)) >= Number(records[0].time / 1_000_000n));
  return rest;
}

const nanoseconds = () => BigInt(Date.now()) * 1_000_000n;

const printed = (receiver, count) =>
  until(() => {
    const records = receiver.records();
    return records.length >= count && records;
  });

for (const format of formats) {
  for (const compression of /** @type {const} */ (['none', 'gzip'])) {
    test(`${format}, compression ${compression}: what was logged arrives`, async (t) => {
      const receiver = await startReceiver(t);
      const server = await startServer(t, receiver.relay);
      const { telemetry } = open(t, server.url, {
        ...settings,
        ...{ format, compression },
        batch: { scheduledDelayMillis: 60_000 },
      });
      await telemetry.ready();
      const first = nanoseconds();
      logAll(telemetry);
      const last = nanoseconds();
      const { delivered } = await telemetry.flush();
      assert.equal(delivered, received.length);
      const records = await printed(receiver, delivered);
      check(records, [first, last]);
      assert.deepEqual(checkScope(records), { 'batch.seq': 1n, 'batch.attempt': 1n });
      let bytes = 0;
      for (const request of server.requests) {
        const encoding = compression === 'gzip' ? 'gzip' : undefined;
        assert.equal(request.headers['content-encoding'], encoding);
        assert.equal(request.status, 200);
        bytes += request.bytes.length;
      }
      t.diagnostic(`${bytes} bytes for ${delivered} events`);
    });
  }
}

test('a page in Chromium: what was logged arrives', async (t) => {
  const receiver = await startReceiver(t);
  const browser = await launch();
  t.after(() => browser.close());
  const init = { ...settings, format: 'otlp-protobuf', batch: { scheduledDelayMillis: 200 } };
  const first = nanoseconds();
  const { server, open, problems } = await site(t, browser, {
    '/': `
      telemetry.init(${JSON.stringify(init)});
      for (const { name, metadata } of ${JSON.stringify(events)}) telemetry.logEvent(name, metadata);
      telemetry.logEvent('said', { text: telemetry.verified(${JSON.stringify(text)}) });
      telemetry.logExperiment(${JSON.stringify(exposure)});`,
  });
  server.answerWith(receiver.relay);
  const page = await open('/');
  const records = await printed(receiver, received.length);
  check(records, [first, nanoseconds()]);
  await until(async () => (await stats(page)).ledger.delivered === received.length);
  assert.deepEqual(problems, []);
});

test('what validation left out is counted, in its record and with a batch', async (t) => {
  const server = await startServer(t);
  const receiver = await startReceiver(t, [
    ...['--exporter', 'otlp', '--otlp-exporter-protocol', 'http'],
    ...['--otlp-exporter-endpoint', server.url],
  ]);
  const { telemetry } = open(t, receiver.url, { format: 'otlp-protobuf' });
  telemetry.logEvent('whole', { n: 1 });
  telemetry.logEvent('partly', /** @type {any} */ ({ kept: 1, text: 'free', list: [], no: {} }));
  telemetry.logEvent('', { dropped: true });
  await telemetry.flush();
  telemetry.logEvent('next');
  await telemetry.flush();
  const exported = () => server.requests.flatMap(({ body }) => readLogs(body));
  const scopes = await until(() => {
    const all = exported().flatMap(({ scopeLogs }) => scopeLogs);
    return all.length === 2 && all;
  });
  assert.deepEqual(
    scopes.map(({ logRecords }) =>
      logRecords.map(({ eventName, droppedAttributesCount = 0 }) => [
        eventName,
        droppedAttributesCount,
      ]),
    ),
    [
      [
        ['whole', 0],
        ['partly', 3],
      ],
      [['next', 0]],
    ],
  );
  const [whole] = await printed(receiver, 3);
  assert.equal(whole.scope.attributes['batch.dropped.invalid_name'], 1n);
});

test('the collector is killed and comes back: everything arrives, and the ledger is balanced', async (t) => {
  const receiver = await startReceiver(t);
  const { telemetry } = open(t, receiver.url, {
    format: 'otlp-protobuf',
    batch: { maxExportBatchSize: 10 },
  });
  let logged = 0;
  const log = (/** @type {number} */ count) => {
    for (const end = logged + count; logged < end; logged += 1) {
      telemetry.logEvent('counted', { n: logged });
    }
  };
  const numbers = () => new Set(receiver.records().map(({ attributes: { n } }) => Number(n)));
  log(50);
  await telemetry.flush();
  // What it took and has not printed dies with it, and no client can know.
  await until(() => numbers().size === 50);

  await receiver.stop('SIGKILL');
  log(200);
  await until(() => telemetry.stats().ledger.stored > 0);
  log(50);
  assert.equal(telemetry.stats().ledger.delivered, 50);
  assert.equal(sum(telemetry.stats().ledger), logged);

  await receiver.start();
  log(50);
  await until(() => numbers().size === logged);
  await until(() => telemetry.stats().ledger.delivered === logged);
  const { ledger } = telemetry.stats();
  assert.equal(sum(ledger), logged);
  assert.deepEqual(ledger.dropped, {});
  assert.equal(receiver.records().length, logged);
});
