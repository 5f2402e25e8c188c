// Whatever a host passes, it gets no exception, and the event arrives without what it may not hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start, sum } from '../support/package.mjs';

const boom = () => {
  throw new Error('boom');
};
const cycle = { n: 1 };
cycle.self = cycle;
const revoked = (() => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
})();

const refused = /** @type {[string, any][]} */ ([
  ['a string', 'free text'],
  ['an object', { a: 1 }],
  ['an array', [1, 2]],
  ['null', null],
  ['a bigint', 3n],
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['a String object', new String('x')],
  ['a Number object', new Number(1)],
  ['a date', new Date()],
  ['a cycle', cycle],
  ['a revoked proxy', revoked],
  ['a forged proof', { __verified: 'x' }],
  ['a frozen forged proof', Object.freeze(Object.create(null))],
]);

for (const [what, value] of refused) {
  test(`a field that is ${what} is left out and counted, the rest goes on`, async (t) => {
    const { server, telemetry, diagnostics } = await start(t);
    // Thrice: before the shape is known, and after.
    for (let n = 0; n < 3; n += 1) {
      telemetry.logEvent('mixed', { a: n, bad: 1, z: true });
      telemetry.logEvent('mixed', { a: n, bad: value, z: true });
    }
    await telemetry.flush();
    const bad = server.events().filter((_, index) => index % 2 === 1);
    assert.deepEqual(
      bad.map(({ event_metadata }) => event_metadata),
      [0, 1, 2].map((a) => ({ a, z: true })),
    );
    assert.equal(telemetry.stats().ledger.fieldsLeftOut, 3);
    assert.ok(
      diagnostics.some(({ field }) => field?.includes('bad')),
      JSON.stringify(diagnostics),
    );
  });
}

const strange = /** @type {[string, any][]} */ ([
  ['null', null],
  ['a string', 'abc'],
  ['a number', 7],
  ['an array', [1, 'x']],
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['a revoked proxy', revoked],
  ['a proxy that throws', new Proxy({ a: 1 }, { get: boom, ownKeys: boom, getPrototypeOf: boom })],
  ['a proxy that throws at its values', new Proxy({ a: 1 }, { get: boom })],
  ['a proxy that lies', new Proxy({}, { ownKeys: () => ['a', 'b'], get: () => 1 })],
  ['a map', new Map([['a', 1]])],
  ['an object that inherits', Object.create({ inherited: 1 })],
  [
    'a throwing getter',
    {
      a: 1,
      get b() {
        return boom();
      },
      c: 2,
    },
  ],
  ['a __proto__ key', JSON.parse('{"__proto__":{"polluted":1},"a":1}')],
  ['a constructor key', { constructor: 1, toString: 2, hasOwnProperty: true }],
  ['a symbol key', { [Symbol('s')]: 1, a: 1 }],
  ['a lone surrogate in a key', { '\ud800': 1, a: 1 }],
  ['an empty key', { '': 1, a: 1 }],
  ['a key of a megabyte', { ['k'.repeat(2 ** 20)]: 1, a: 1 }],
  [
    'ten thousand fields',
    Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`k${n}`, n])),
  ],
]);

for (const [what, metadata] of strange) {
  test(`metadata that is, or has, ${what} breaks nothing`, async (t) => {
    const { server, telemetry } = await start(t);
    for (let n = 0; n < 3; n += 1) {
      telemetry.logEvent('strange', { a: 1 });
      telemetry.logEvent('strange', metadata);
    }
    telemetry.logEvent('sound', { a: 1 });
    await telemetry.flush();
    assert.equal(server.events().length, 7);
    for (const { event_metadata = {} } of server.events()) {
      assert.ok(Object.keys(event_metadata).length <= 128);
      assert.equal(event_metadata.inherited ?? event_metadata.polluted, undefined);
      for (const value of Object.values(event_metadata)) {
        assert.match(typeof value, /^(number|boolean)$/);
      }
    }
    assert.equal({}.polluted, undefined);
    assert.equal(sum(telemetry.stats().ledger), 7);
  });
}

for (const [what, list] of /** @type {[string, any][]} */ ([
  ['an array', [116, 101, 120, 116]],
  ['bytes', new TextEncoder().encode('text')],
  ['a view', new Float64Array(4)],
])) {
  test(`metadata that is ${what} is left out: the bytes of a text are numbers, too`, async (t) => {
    const { server, telemetry, diagnostics } = await start(t);
    for (let n = 0; n < 3; n += 1) telemetry.logEvent('listed', list);
    await telemetry.flush();
    assert.deepEqual(
      server.events().map(({ event_metadata }) => event_metadata),
      [undefined, undefined, undefined],
    );
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['metadata_rejected'],
    );
  });
}

test('an experimentId that only becomes a text by toJSON is none', async (t) => {
  const { server, telemetry } = await start(t);
  const experimentId = /** @type {any} */ ({ toJSON: () => 'text' });
  telemetry.logExperiment({ experimentId, variationId: 1 });
  await telemetry.flush();
  assert.equal(server.events().length, 0);
  assert.deepEqual(telemetry.stats().ledger.dropped, { invalid_name: 1 });
});

test('names of every kind: the bad ones are dropped and counted', async (t) => {
  const { server, telemetry } = await start(t);
  const bad = [
    '',
    'x'.repeat(257),
    'x'.repeat(2 ** 20),
    7,
    null,
    undefined,
    {},
    Symbol('s'),
    [],
    revoked,
  ];
  for (const name of bad) telemetry.logEvent(/** @type {any} */ (name), { a: 1 });
  const good = [
    'x',
    'x'.repeat(256),
    'ünïcödé',
    '__proto__',
    'constructor',
    '\ud800',
    '"quoted"\n',
  ];
  for (let n = 0; n < 2; n += 1) for (const name of good) telemetry.logEvent(name, { a: 1 });
  await telemetry.flush();
  assert.deepEqual(telemetry.stats().ledger.dropped, { invalid_name: bad.length });
  const names = server.events().map(({ event_name }) => event_name);
  const wanted = good.map((name) => name.toWellFormed?.() ?? name.replace('\ud800', '\ufffd'));
  assert.deepEqual(names, [...wanted, ...wanted]);
});

test('a getter that logs: its event follows the one it is read for, once', async (t) => {
  const { server, telemetry } = await start(t);
  const metadata = () => ({
    a: 1,
    get b() {
      telemetry.logEvent('inner');
      telemetry.logExperiment({ experimentId: 'inner', variationId: 1 });
      return 2;
    },
  });
  for (let n = 0; n < 3; n += 1) telemetry.logEvent('outer', metadata());
  telemetry.logEvent('outer', { ...metadata(), c: 'refused' });
  await telemetry.flush();
  const names = server
    .events()
    .filter(({ event_name }) => event_name)
    .map(({ event_name }) => event_name);
  assert.equal(names.filter((name) => name === 'outer').length, 4);
  assert.equal(names.filter((name) => name === 'inner').length, 4);
  assert.deepEqual(names.slice(0, 4), ['outer', 'inner', 'outer', 'inner']);
  assert.equal(server.events().length, 12);
});

test('a getter runs once, whichever way its event takes', async (t) => {
  const { server, telemetry } = await start(t);
  let reads = 0;
  const odd = (value) => ({
    a: 1,
    get b() {
      reads += 1;
      return value;
    },
    c: 1,
  });
  for (const value of [1, 1, true, 'text', 1, Number.NaN, undefined, 1]) {
    telemetry.logEvent('read', odd(value));
  }
  await telemetry.flush();
  assert.equal(reads, 8);
  assert.deepEqual(
    server.events().map(({ event_metadata: { b } }) => b),
    [1, 1, true, undefined, 1, undefined, undefined, 1],
  );
});

test('a getter that logs its own object ends', async (t) => {
  const { server, telemetry, diagnostics } = await start(t);
  const metadata = {
    get a() {
      telemetry.logEvent('again', metadata);
      return 1;
    },
  };
  telemetry.logEvent('again', metadata);
  telemetry.logEvent('after', { n: 1 });
  await telemetry.flush();
  const names = server.events().map(({ event_name }) => event_name);
  assert.equal(names.at(-1), 'after');
  assert.ok(names.length < 10, `${names.length}`);
  assert.ok(diagnostics.some(({ code }) => code === 'not_kept'));
});

test('a getter that flushes, changes the configuration or the user breaks nothing', async (t) => {
  const { server, telemetry } = await start(t);
  for (let n = 0; n < 4; n += 1) {
    telemetry.logEvent('busy', {
      n,
      get a() {
        telemetry.flush();
        telemetry.setUser({ userId: `u${n}` });
        telemetry.updateConfig({ batch: { maxExportBatchSize: 10 + n } });
        telemetry.stats();
        return 1;
      },
    });
  }
  await telemetry.flush();
  assert.deepEqual(
    server.events().map(({ event_metadata }) => event_metadata),
    [0, 1, 2, 3].map((n) => ({ n, a: 1 })),
  );
});

test('onDiagnostic may throw, and may log', async (t) => {
  /** @type {any} */
  let telemetry;
  const { server, telemetry: made } = await start(t, {
    onDiagnostic: () => {
      telemetry?.logEvent('diagnosed');
      boom();
    },
  });
  telemetry = made;
  telemetry.logEvent('bad', { text: 'free' });
  telemetry.logEvent('good', { a: 1 });
  await telemetry.flush();
  const names = server.events().map(({ event_name }) => event_name);
  assert.ok(names.includes('bad') && names.includes('diagnosed') && names.includes('good'));
});

test('exposures of every kind break nothing', async (t) => {
  const { server, telemetry } = await start(t);
  const sound = { experimentId: 'e', variationId: 0 };
  const bad = /** @type {any[]} */ ([
    undefined,
    null,
    'text',
    {},
    { experimentId: 'e' },
    { experimentId: 'e', variationId: -1 },
    { experimentId: 'e', variationId: 1.5 },
    { experimentId: 'e', variationId: '1' },
    { experimentId: '', variationId: 1 },
    revoked,
  ]);
  const leftOut = [
    { ...sound, userAttributes: cycle },
    { ...sound, userAttributes: { toJSON: boom } },
    { ...sound, experimentMetadata: { big: 3n } },
    { ...sound, experimentMetadata: { text: 'x'.repeat(70_000) } },
    {
      ...sound,
      get userAttributes() {
        return boom();
      },
    },
  ];
  for (const exposure of [...bad, ...leftOut, sound]) telemetry.logExperiment(exposure);
  await telemetry.flush();
  assert.equal(server.events().length, leftOut.length + 1);
  for (const { user_attributes, experiment_metadata } of server.events()) {
    assert.equal(user_attributes ?? experiment_metadata, undefined);
  }
});

test('recursion without end into any method: the calls that follow are as good as ever', async (t) => {
  const batch = { maxQueueSize: 100_000 };
  const { server, telemetry, diagnostics } = await start(t, { batch });
  let n = 0;
  let logged = 0;
  for (const call of [
    () => telemetry.logEvent('deep', { [`k${n++ % 9}`]: 1 }),
    () => telemetry.logExperiment({ experimentId: 'deep', variationId: n++ }),
    () => telemetry.updateConfig({ batch: { maxAttempts: 1 + (n++ % 9) } }),
    () => telemetry.stats(),
  ]) {
    const dive = () => {
      call();
      dive();
    };
    assert.throws(dive, RangeError);
    telemetry.logEvent('after', { n: 1 });
    await telemetry.flush();
    logged += 1;
    const arrived = server.events().filter(({ event_name }) => event_name === 'after');
    assert.equal(arrived.length, logged);
  }
  const { state, ledger } = telemetry.stats();
  assert.equal(state, 'running');
  assert.equal(sum(ledger), ledger.accepted);
  assert.ok(diagnostics.every(({ code }) => code !== 'internal_error'));
});

test('every other method takes anything', async (t) => {
  const { telemetry } = await start(t);
  const anything = /** @type {any[]} */ ([undefined, null, 7, 'x', [], revoked, cycle, boom, 3n]);
  for (const value of anything) {
    for (const method of /** @type {const} */ (['setContext', 'setUser', 'setConsent'])) {
      telemetry[method](value);
    }
    assert.deepEqual(telemetry.updateConfig(value).changed, []);
    telemetry.verified(value);
    await telemetry.flush({ timeoutMillis: value });
  }
  assert.equal(telemetry.stats().config.consent, 'granted');
  telemetry.logEvent('still');
  assert.equal((await telemetry.flush()).delivered, 1);
});

test('in strict mode misuse throws a TypeError that names the field', async (t) => {
  const { server, telemetry } = await start(t, { strict: true });
  const log =
    (/** @type {any[]} */ ...args) =>
    () =>
      telemetry.logEvent(...args);
  const misuse = (pattern) => ({ name: 'TypeError', message: pattern });
  assert.throws(log('paid', { coupon: 'SUMMER' }), misuse(/coupon.*verified/));
  assert.throws(log('paid', { cart: {} }), misuse(/cart/));
  assert.throws(log('paid', { total: Number.NaN }), misuse(/total/));
  assert.throws(
    log('paid', {
      get total() {
        return boom();
      },
    }),
    misuse(/total/),
  );
  assert.throws(log('paid', 'text'), misuse(/metadata/));
  assert.throws(log(7), misuse(/name/));
  assert.throws(log(''), misuse(/name/));
  assert.throws(
    () => telemetry.logExperiment(/** @type {any} */ ({ experimentId: 'e', variationId: 'x' })),
    misuse(/variationId/),
  );
  assert.throws(() => telemetry.verified(/** @type {any} */ (7)), misuse(/verified/));
  assert.throws(() => telemetry.verified('x'.repeat(1_025)), misuse(/1024/));
  log('paid', { items: 3, note: telemetry.verified('x'.repeat(1_024)) })();
  await telemetry.flush();
  assert.equal(server.events().at(-1).event_metadata.note.length, 1_024);
});
