import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkBatch, InvalidBatch } from '../../www/collector/validation.mjs';
import { batch, event, exposure, startCollector } from './support.mjs';

const GONE = Symbol('left out');
const fields = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, i]));

/** Where a valid batch is changed, to what, and the path in the answer if it is another one. */
const refused = [
  ['extra', 1],
  ['resource', GONE],
  ['resource', []],
  ['resource', {}, 'resource["service.name"]'],
  ['resource/service.name', 4, 'resource["service.name"]'],
  ['resource/service.name', '', 'resource["service.name"]'],
  ['resource.nested', {}],
  ['batch', GONE],
  ['batch', null],
  ['batch.id', GONE],
  ['batch.id', 'not-a-uuid'],
  ['batch.id', 'A1111111-2222-4333-8444-555555555555'],
  ['batch.client_id', 7],
  ['batch.client_id', GONE],
  ['batch.seq', -1],
  ['batch.seq', 1.5],
  ['batch.seq', '1'],
  ['batch.attempt', 0],
  ['batch.sent_at', '2026-01-02'],
  ['batch.unknown', 1],
  ['batch.dropped', {}],
  ['batch.dropped', null],
  ['batch.dropped', { queue_full: 0 }, 'batch.dropped.queue_full'],
  ['batch.dropped', { queue_full: '3' }, 'batch.dropped.queue_full'],
  ['batch.dropped', { 'Queue full': 3 }, 'batch.dropped["Queue full"]'],
  ['events', GONE],
  ['events', {}],
  ['events', []],
  ['events', Array(10_001).fill(event())],
  ['events[0]', null],
  ['events[0]', 'event'],
  ['events[0].event_name', GONE],
  ['events[0].event_name', ''],
  ['events[0].event_name', 'é'.repeat(257)],
  ['events[0].event_name', null],
  ['events[0].event_id', '1'],
  ['events[0].event_id', GONE],
  ['events[0].timestamp', 1_767_323_045_678],
  ['events[0].timestamp', '2026-01-02T03:04:05Z'],
  ['events[0].timestamp', '2026-02-31T03:04:05.678Z'],
  ['events[0].timestamp', '2026-13-01T03:04:05.678Z'],
  ['events[0].timestamp', '2026-01-02T03:04:05.678+01:00'],
  ['events[0].user_id', null],
  ['events[0].session_id', 'x'],
  ['events[0].core_metadata', []],
  ['events[0].core_metadata', { a: null }, 'events[0].core_metadata.a'],
  ['events[0].user_metadata', { a: [] }, 'events[0].user_metadata.a'],
  ['events[0].event_metadata', null],
  ['events[0].event_metadata', { a: {} }, 'events[0].event_metadata.a'],
  ['events[0].event_metadata', { a: null }, 'events[0].event_metadata.a'],
  ['events[0].event_metadata', { a: 'x'.repeat(1_025) }, 'events[0].event_metadata.a'],
  ['events[0].event_metadata', { '': 1 }, 'events[0].event_metadata[""]'],
  ['events[0].event_metadata', { 'a b': null }, 'events[0].event_metadata["a b"]'],
  [
    'events[0].event_metadata',
    { ['k'.repeat(129)]: 1 },
    `events[0].event_metadata.${'k'.repeat(129)}`,
  ],
  ['events[0].event_metadata', fields(129)],
  ['events[1].event_type', 'SomethingElse'],
  ['events[1].event_type', null],
  ['events[1].event_id', {}],
  ['events[1].experiment_id', GONE],
  ['events[1].experiment_id', ''],
  ['events[1].variation_id', GONE],
  ['events[1].variation_id', -1],
  ['events[1].variation_id', '1'],
  ['events[1].event_name', 'both'],
  ['events[1].environment', 4],
  ['events[1].session_id', null],
  ['events[1].user_attributes', {}],
  ['events[1].user_attributes', '{"a":'],
  ['events[1].experiment_metadata', '[]'],
];

for (const [place, value, path = place] of refused) {
  const shown = typeof value === 'symbol' ? value.description : JSON.stringify(value);
  test(`refuses ${place}: ${shown.slice(0, 60)}`, () => {
    const body = batch({ events: [event(), exposure()] });
    change(body, place, value);
    refuses(body, path);
  });
}

test('refuses a body that is not an object', () => {
  refuses([], 'body');
  refuses('text', 'body');
  refuses(null, 'body');
});

test('refuses what only JSON text can hold', () => {
  const text = JSON.stringify(batch());
  refuses(JSON.parse(`{"__proto__":1,${text.slice(1)}`), '__proto__');
  refuses(JSON.parse(text.replace('"items":3', '"huge":1e999')), 'events[0].event_metadata.huge');
});

function refuses(body, path) {
  assert.throws(
    () => checkBatch(body),
    (error) => error instanceof InvalidBatch && error.path === path && error.message !== '',
  );
}

/** `events[0].name` or, for a key with a dot in it, `resource/service.name`. */
function change(body, place, value) {
  const keys = place.includes('/') ? place.split('/') : place.match(/\w+/g);
  const last = keys.pop();
  const target = keys.reduce((at, key) => at[key], body);
  if (value === GONE) delete target[last];
  else target[last] = value;
}

const accepted = [
  ['an event without any metadata', { event_metadata: undefined }],
  ['text that the program verified', { event_metadata: { code: 'ENOENT' } }],
  ['1,024 characters of two surrogates each', { event_metadata: { a: '🙂'.repeat(1_024) } }],
  ['a name of 256 characters', { event_name: 'n'.repeat(256) }],
  ['128 fields', { event_metadata: fields(128) }],
  ['128 fields and the sample rate', { event_metadata: { ...fields(128), sample_rate: 0.5 } }],
  ['a user and a context', { user_id: 'u1', core_metadata: { a: 'b' }, user_metadata: { c: 1 } }],
];

for (const [what, patch] of accepted) {
  test(`accepts ${what}`, () => {
    checkBatch(JSON.parse(JSON.stringify(batch({ events: [event(patch)] }))));
  });
}

test('accepts an exposure with everything it may hold', () => {
  const full = exposure({
    device_id: 'd',
    account_uuid: 'a',
    organization_uuid: 'o',
    session_id: 's',
    user_attributes: '{"id":"x"}',
    experiment_metadata: '{"n":1}',
    environment: 'production',
  });
  checkBatch(batch({ events: [full], dropped: { queue_full: 3 } }));
});

test('a refused batch answers 400 with the path, is counted, and leaves no rows', async (t) => {
  const collector = await startCollector(t);
  const answer = await collector.send(batch({ events: [event(), event({ event_id: 'x' })] }));
  assert.equal(answer.status, 400);
  assert.equal(answer.body.error.path, 'events[1].event_id');
  const state = await collector.state();
  assert.equal(state.invalidBatches, 1);
  assert.equal(state.lastInvalid.path, 'events[1].event_id');
  assert.equal(state.events, 0);
  assert.equal(state.batches, 0);
});
