// Beside the official SDK: the same events into the same collector. What differs has a test of its own
// here, and its reason in docs/opentelemetry.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../../tools/install.mjs';
import { open } from '../support/package.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { context, resource, settings, text } from './program.mjs';

ensureInstalled(fileURLToPath(new URL('.', import.meta.url)));
const { openOfficial } = await import('./official.mjs');

/** @typedef {import('../support/receiver.mjs').LogRecord} LogRecord */
/** @typedef {'otlp-json' | 'otlp-protobuf'} Format */
/** @typedef {{ name: string, metadata: Record<string, any> }} Event */

const formats = /** @type {Format[]} */ (['otlp-json', 'otlp-protobuf']);

const plainContext = Object.fromEntries(
  Object.entries(context).map(([key, value]) => [
    key,
    typeof value === 'bigint' ? Number(value) : value,
  ]),
);

/**
 * What a collector gets of the same events from both, and how it answered.
 * @param {import('node:test').TestContext} t
 * @param {Format} format
 * @param {Event[]} logged
 */
async function both(t, format, logged) {
  const receiver = await startReceiver(t);
  const server = await startServer(t, receiver.relay);

  const { telemetry } = open(t, server.url, { ...settings, format, compression: 'none' });
  for (const { name, metadata } of logged) {
    const fields = Object.entries(metadata).map(([key, value]) => [
      key,
      typeof value === 'string' ? telemetry.verified(value) : value,
    ]);
    telemetry.logEvent(name, Object.fromEntries(fields));
  }
  await telemetry.flush();
  const ours = await until(() => {
    const records = receiver.records();
    return records.length === logged.length && records;
  });
  const requests = server.requests.length;

  const resource = {
    'service.name': settings.serviceName,
    'service.version': settings.serviceVersion,
    ...settings.resource,
  };
  const { logger, close } = openOfficial(server.url, format, resource);
  for (const { name, metadata } of logged) {
    const attributes = { ...metadata, ...plainContext };
    logger.emit({ eventName: name, body: name, timestamp: new Date(), attributes });
  }
  await close();
  const { status } = server.requests[requests];
  const theirs = await until(() => {
    const records = receiver.records().slice(ours.length);
    return records.length === (status === 200 ? logged.length : 0) && records;
  });
  return { ours, theirs, status, requests: server.requests };
}

/** Less ids, times and scope. */
const comparable = (/** @type {LogRecord[]} */ records) =>
  records.map(({ resource, severity, eventName, body, attributes: { event_id: _, ...rest } }) => ({
    ...{ resource, severity, eventName, body },
    attributes: rest,
  }));

const attributesOf = (/** @type {LogRecord} */ { attributes }, /** @type {string[]} */ ...keys) =>
  keys.map((key) => attributes[key]);

for (const format of formats) {
  test(`${format}: what arrives is equal but for ids, times and scope`, async (t) => {
    const logged = [
      { name: 'opened', metadata: {} },
      { name: 'checkout', metadata: { items: 3, total: 149.9, express: true, gift: false } },
      { name: 'größe 🚀', metadata: { 'key "quoted"': 1 } },
      { name: 'numbers', metadata: { zero: 0, negative: -7, safe: 2 ** 53 - 1, third: 1 / 3 } },
      { name: 'small', metadata: { tiny: 5e-324, cents: 0.1 + 0.2 } },
      { name: 'said', metadata: { text } },
    ];
    const { ours, theirs } = await both(t, format, logged);
    assert.deepEqual(comparable(ours), comparable(theirs));
    assert.deepEqual(theirs[0].resource, resource);
  });
}

test('differs: ours has an event_id and scope attributes; observed and own time are the same', async (t) => {
  const { ours, theirs } = await both(t, 'otlp-protobuf', [{ name: 'opened', metadata: {} }]);
  const [mine, other] = [ours[0], theirs[0]];
  assert.equal(typeof mine.attributes.event_id, 'string');
  assert.equal(other.attributes.event_id, undefined);
  assert.equal(mine.scope.name, 'wasm-telemetry');
  assert.deepEqual(Object.keys(mine.scope.attributes).sort(), [
    'batch.attempt',
    'batch.client_id',
    'batch.id',
    'batch.sent_at',
    'batch.seq',
  ]);
  assert.deepEqual(other.scope, { name: 'official', version: '1.0.0', attributes: {} });
  assert.equal(mine.time, mine.observedTime);
});

test('differs: an integer that a double cannot hold exactly is a double', async (t) => {
  const logged = [{ name: 'numbers', metadata: { beyond: 2 ** 53 } }];
  const { ours, theirs } = await both(t, 'otlp-protobuf', logged);
  assert.deepEqual(attributesOf(ours[0], 'beyond'), [2 ** 53]);
  assert.deepEqual(attributesOf(theirs[0], 'beyond'), [2n ** 53n]);
});

for (const [what, value, arrives] of [
  ['a number too large for 64 bits', 1e20, 1e20],
  ['no number', NaN, undefined],
  ['undefined', undefined, undefined],
  ['half a surrogate pair', 'a\ud800b', 'a\ufffdb'],
]) {
  test(`differs: ${what} costs the official SDK its batch in JSON`, async (t) => {
    const logged = [
      { name: 'fine', metadata: { n: 1 } },
      { name: 'odd', metadata: { n: 2, value } },
    ];
    const { ours, theirs, status } = await both(t, 'otlp-json', logged);
    assert.deepEqual(attributesOf(ours[0], 'n'), [1n]);
    assert.deepEqual(attributesOf(ours[1], 'n', 'value'), [2n, arrives]);
    assert.equal(status, 400);
    assert.deepEqual(theirs, []);
  });
}

test('differs: what is neither a number nor a boolean nor a checked text is left out', async (t) => {
  const free = /** @type {any} */ ({ kept: 1, text: 'free', nan: NaN });
  const receiver = await startReceiver(t);
  const { telemetry } = open(t, receiver.url, { format: 'otlp-protobuf' });
  telemetry.logEvent('ours', free);
  await telemetry.flush();
  const { logger, close } = openOfficial(receiver.url, 'otlp-protobuf', {});
  logger.emit({ eventName: 'theirs', attributes: free });
  await close();
  const [mine, other] = await until(() => {
    const records = receiver.records();
    return records.length === 2 && records;
  });
  assert.deepEqual(attributesOf(mine, 'kept', 'text', 'nan'), [1n, undefined, undefined]);
  assert.deepEqual(attributesOf(other, 'kept', 'text', 'nan'), [1n, 'free', NaN]);
});

test('differs: a field with the name of one of ours is put under event_metadata', async (t) => {
  const logged = [{ name: 'colliding', metadata: { user_id: 5, 'core_metadata.plan': 2 } }];
  const { ours, theirs } = await both(t, 'otlp-protobuf', logged);
  const names = ['user_id', 'event_metadata.user_id', 'event_metadata.core_metadata.plan'];
  assert.deepEqual(attributesOf(ours[0], ...names), ['u1', 5n, 2n]);
  // There one of the two is lost.
  assert.deepEqual(attributesOf(theirs[0], ...names), ['u1', undefined, undefined]);
});
