// The OTLP formats against a server: what a request says of itself, and what an answer's body says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start, sum } from '../support/package.mjs';
import { until } from '../support/wait.mjs';

/** @typedef {import('../support/server.mjs').Answer} Answer */

const formats = /** @type {const} */ (['otlp-json', 'otlp-protobuf']);

/** An answer with a partial success, in the format of the request. */
function partial(/** @type {string} */ format, /** @type {number} */ rejected, message = '') {
  if (format === 'otlp-json') {
    const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: message };
    return says('application/json', JSON.stringify({ partialSuccess }));
  }
  const text = Buffer.from(message);
  const inner = Buffer.concat([Buffer.from([0x08, rejected, 0x12, text.length]), text]);
  return says('application/x-protobuf', Buffer.concat([Buffer.from([0x0a, inner.length]), inner]));
}

/** @returns {Answer} */
function says(/** @type {string} */ type, /** @type {string | Uint8Array} */ body) {
  return { headers: { 'Content-Type': type }, body };
}

function log(/** @type {any} */ telemetry, /** @type {number} */ events) {
  for (let n = 0; n < events; n += 1) telemetry.logEvent('counted', { n });
}

for (const [format, path, type] of [
  ['json', '/api/event_logging/batch', 'application/json'],
  ['otlp-json', '/v1/logs', 'application/json'],
  ['otlp-protobuf', '/v1/logs', 'application/x-protobuf'],
]) {
  test(`${format} says what it is`, async (t) => {
    const { server, telemetry } = await start(t, { format: /** @type {any} */ (format) });
    log(telemetry, 3);
    const { delivered } = await telemetry.flush();
    assert.equal(delivered, 3);
    const [request] = server.requests;
    assert.equal(request.path, path);
    assert.equal(request.headers['content-type'], type);
    assert.equal(telemetry.stats().config.format, format);
    assert.equal(telemetry.stats().config.batch.path, path);
  });
}

test('a path that was set wins over that of the format', async (t) => {
  const batch = { path: '/otlp/v1/logs' };
  const { server, telemetry } = await start(t, { format: 'otlp-json', batch });
  log(telemetry, 1);
  await telemetry.flush();
  assert.equal(server.requests[0].path, '/otlp/v1/logs');
});

test('a format that does not exist is refused, and the default holds', async (t) => {
  const { telemetry, diagnostics } = await start(t, { format: /** @type {any} */ ('otlp') });
  assert.equal(telemetry.stats().config.format, 'json');
  assert.deepEqual(
    diagnostics.map(({ code, field }) => [code, field]),
    [['option_rejected', 'format']],
  );
});

for (const format of formats) {
  test(`${format}: what a partial success rejects is counted, and not sent again`, async (t) => {
    const { server, telemetry, diagnostics } = await start(t, { format }, () =>
      partial(format, 2, 'no\nsuch\ttenant'),
    );
    log(telemetry, 5);
    const { delivered, dropped } = await telemetry.flush();
    assert.deepEqual([delivered, dropped], [3, 2]);
    const { ledger, store } = telemetry.stats();
    assert.deepEqual(ledger.dropped, { rejected: 2 });
    assert.equal(sum(ledger), 5);
    assert.equal(store.events, 0);
    assert.equal(server.requests.length, 1);
    const [{ code, message }] = diagnostics;
    assert.equal(code, 'events_rejected');
    assert.match(message, /no such tenant$/);
  });

  test(`${format}: a server that rejects nothing may warn`, async (t) => {
    const { telemetry, diagnostics } = await start(t, { format }, () => partial(format, 0, 'soon'));
    log(telemetry, 5);
    const { delivered, dropped } = await telemetry.flush();
    assert.deepEqual([delivered, dropped], [5, 0]);
    const [{ code, message }] = diagnostics;
    assert.equal(code, 'endpoint_warning');
    assert.match(message, /soon$/);
  });

  test(`${format}: no more are dropped than were sent`, async (t) => {
    const { telemetry } = await start(t, { format }, () => partial(format, 127));
    log(telemetry, 5);
    const { delivered, dropped } = await telemetry.flush();
    assert.deepEqual([delivered, dropped], [0, 5]);
  });

  test(`${format}: an answer that is no OTLP is a success all the same, and told`, async (t) => {
    const page = '<!doctype html><title>Shop</title>';
    const { telemetry, diagnostics } = await start(t, { format }, () => says('text/html', page));
    log(telemetry, 5);
    const { delivered } = await telemetry.flush();
    assert.equal(delivered, 5);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['answer_unknown'],
    );
  });

  test(`${format}: a body of more than 64 KiB is not read to its end`, async (t) => {
    const long = 'x'.repeat(66_000);
    const body = JSON.stringify({ long, partialSuccess: { rejectedLogRecords: 1 } });
    const { telemetry } = await start(t, { format }, () => says('application/json', body));
    log(telemetry, 5);
    const { delivered } = await telemetry.flush();
    assert.equal(delivered, 5);
  });

  test(`${format}: a body that never ends holds nothing up for good`, async (t) => {
    const batch = { exportTimeoutMillis: 1_000, maxExportBatchSize: 2 };
    const { server, telemetry } = await start(t, { format, batch }, () => ({ endless: true }));
    log(telemetry, 4);
    const { delivered, timedOut } = await telemetry.flush();
    assert.deepEqual([delivered, timedOut], [4, false]);
    assert.equal(server.requests.length, 2, 'nothing is sent twice');
    assert.equal(telemetry.stats().store.events, 0);
  });

  test(`${format}: a shutdown does not wait for such a body`, async (t) => {
    const { server, telemetry } = await start(t, { format }, () => ({ endless: true }));
    log(telemetry, 3);
    await until(() => server.accepted().length === 1);
    // The head of the answer may still be on its way.
    const { delivered, stored } = await telemetry.shutdown({ timeoutMillis: 5_000 });
    assert.deepEqual([delivered, stored], [3, 0]);
  });

  test(`${format}: 501 is final, 503 is not`, async (t) => {
    const { server, telemetry } = await start(t, { format }, (_, index) => ({
      status: [501, 503, 200][index],
    }));
    log(telemetry, 2);
    await telemetry.flush();
    assert.deepEqual(telemetry.stats().ledger.dropped, { rejected: 2 });
    log(telemetry, 3);
    await until(() => telemetry.stats().ledger.delivered === 3);
    assert.equal(server.requests.length, 3);
  });
}

test('the json format does not look into an answer', async (t) => {
  const { telemetry, diagnostics } = await start(t, {}, () => partial('otlp-json', 2, 'no'));
  log(telemetry, 5);
  const { delivered } = await telemetry.flush();
  assert.equal(delivered, 5);
  assert.deepEqual(diagnostics, []);
});

for (const format of /** @type {const} */ (['json', ...formats])) {
  test(`${format}: a body is compressed unless the host wants none of it`, async (t) => {
    for (const compression of /** @type {const} */ (['gzip', 'none'])) {
      const { server, telemetry } = await start(t, { format, compression });
      log(telemetry, 150);
      await telemetry.flush();
      const { headers } = server.requests[0];
      assert.equal(headers['content-encoding'], compression === 'gzip' ? 'gzip' : undefined);
      assert.equal(telemetry.stats().ledger.delivered, 150);
    }
  });
}
