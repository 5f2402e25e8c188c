// A world in which everything around the package misbehaves, and calls back into it meanwhile. Runs in
// Node and in a page.
import { callHostile } from './calls.mjs';

/** @typedef {import('./values.mjs').Dice} Dice */

const later = globalThis.setTimeout;

/** @returns {any} a promise or a value: sound, garbage, an error, or nothing ever */
function answer(/** @type {Dice} */ dice, /** @type {() => unknown} */ sound) {
  return dice.pick([
    sound,
    sound,
    async () => sound(),
    () => new Promise(() => {}),
    () => Promise.reject(new Error('no')),
    () => Promise.reject(),
    () => {
      throw new Error('no');
    },
    () => dice.pick([undefined, null, 7, 'text', {}, [], Symbol('s'), () => 1]),
    // biome-ignore lint/suspicious/noThenProperty: that is the trap
    () => ({ then: 7 }),
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is the trap
      then: (/** @type {Function} */ done, /** @type {Function} */ fail) => {
        done(sound());
        done(sound());
        fail('no');
        throw new Error('no');
      },
    }),
    () => new Promise((done) => later(() => done(sound()), dice.between(0, 20))),
  ])();
}

function response(/** @type {Dice} */ dice) {
  const status = dice.pick([200, 200, 204, 400, 401, 413, 429, 500, 503]);
  const broken = new ReadableStream({
    pull(controller) {
      if (dice.between(0, 1)) controller.error(new Error('broken'));
      else controller.enqueue(new Uint8Array(100_000));
    },
  });
  const body = status === 204 ? null : dice.pick(['', 'text', 'x'.repeat(100_000), broken]);
  return dice.pick([
    () => new Response(body, { status, headers: { 'Retry-After': dice.pick(['0', 'x', '1e9']) } }),
    () => ({ status: dice.pick([Number.NaN, -1, 1e9, '200', null, 200]) }),
    () => ({ status: 200, headers: null, body: { getReader: () => ({ read: () => 7 }) } }),
    () =>
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
        },
      ),
  ])();
}

const fail = () => {
  throw new Error('no');
};

/** Puts something around a function that others call, too: `before` runs first, each time. */
function wrap(
  /** @type {any} */ object,
  /** @type {string} */ name,
  /** @type {() => void} */ before,
) {
  const original = object[name];
  object[name] = function (/** @type {any[]} */ ...args) {
    before();
    return Reflect.apply(original, this, args);
  };
}

/** A property of the platform that throws when it is read, as some privacy settings and extensions make it. */
function forbid(/** @type {any} */ object, /** @type {string} */ name) {
  Object.defineProperty(object, name, { get: fail, configurable: true });
}

/** @type {[object: any, name: string][]} what tracers and tag managers put themselves around */
const watched = [
  [JSON, 'parse'],
  [JSON, 'stringify'],
  [Array.prototype, 'push'],
  [Map.prototype, 'get'],
  [Reflect, 'get'],
  [Uint8Array.prototype, 'slice'],
];
if (globalThis.indexedDB) {
  watched.push(
    [IDBFactory.prototype, 'open'],
    [IDBDatabase.prototype, 'transaction'],
    [IDBTransaction.prototype, 'objectStore'],
    [IDBTransaction.prototype, 'commit'],
    [IDBObjectStore.prototype, 'get'],
    [IDBObjectStore.prototype, 'put'],
    [IDBObjectStore.prototype, 'getAll'],
    [IDBKeyRange, 'lowerBound'],
    [Storage.prototype, 'getItem'],
    [Storage.prototype, 'setItem'],
    [Storage.prototype, 'removeItem'],
  );
}

/** @type {((dice: Dice, callBack: () => void) => void)[]} what a page's other scripts do to it */
const patches = [
  () => Object.freeze(Object.prototype),
  () => Object.freeze(Array.prototype),
  () => Object.freeze(Map.prototype),
  () => Object.freeze(Uint8Array.prototype),
  () => Object.freeze(Reflect),
  (dice, callBack) => {
    const [object, name] = dice.pick(watched);
    // What everybody calls: seldom, for each of these calls comes to others.
    const often = /^(IDB|Storage)/.test(object.constructor.name) ? 2 : 99;
    wrap(object, name, () => dice.between(0, often) === 0 && callBack());
  },
  () => {
    JSON.parse = fail;
  },
  () => {
    crypto.getRandomValues = fail;
  },
  (dice) => {
    globalThis.queueMicrotask = /** @type {any} */ (dice.pick([undefined, fail]));
  },
  () => {
    globalThis.setTimeout = /** @type {any} */ (fail);
  },
  () => {
    performance.now = fail;
  },
  () => forbid(globalThis, 'localStorage'),
  () => forbid(globalThis, 'indexedDB'),
  () => forbid(navigator, 'onLine'),
  () => forbid(navigator, 'globalPrivacyControl'),
  () => forbid(globalThis.document ?? {}, 'visibilityState'),
  () => Object.freeze(globalThis.JSON),
  () => Object.freeze(Promise.prototype),
  (dice) => {
    Date.now = () => dice.pick([0, -1, 1e15, Number.NaN, Infinity, 1.5, 1.7e12]);
  },
  (dice) => {
    let time = 1.8e12;
    Date.now = () => (time -= dice.between(-10, 20));
  },
  (dice) => {
    performance.now = () => dice.between(0, 1e6);
  },
  () => {
    Math.random = () => Number.NaN;
  },
  () => {
    const { then } = Promise.prototype;
    // biome-ignore lint/suspicious/noThenProperty: others do, too
    Promise.prototype.then = function (...args) {
      return then.apply(this, args);
    };
  },
  () => {
    globalThis.setTimeout = /** @type {any} */ (
      (/** @type {any[]} */ ...args) => {
        later(.../** @type {[any]} */ (args));
      }
    );
  },
  () => {
    globalThis.clearTimeout = fail;
  },
  () => {
    globalThis.AbortController = /** @type {any} */ (undefined);
  },
  () => {
    globalThis.CompressionStream = /** @type {any} */ (undefined);
  },
];

const pageEvents = [
  'visibilitychange',
  'freeze',
  'pagehide',
  'pageshow',
  'offline',
  'online',
  'storage',
];

/** What scripts dispatch that play a visit, or only mean to wake some other script. */
function playPage(/** @type {Dice} */ dice) {
  for (const target of [document, window]) target.dispatchEvent(new Event(dice.pick(pageEvents)));
}

/**
 * @param {any} telemetry the package
 * @param {Dice} dice
 * @param {number} calls
 * @returns {Promise<any>} `stats()` at the end; and `ruined`, whether nothing can work here, and how often
 *   that was told
 */
export async function live(telemetry, dice, calls) {
  let depth = 0;
  let told = 0;
  const callBack = () => {
    if (depth >= 3 || dice.between(0, 2) > 0) return;
    depth += 1;
    try {
      callHostile(telemetry, dice, { value: 'text' });
    } finally {
      depth -= 1;
    }
  };
  const calling =
    (/** @type {(...args: any[]) => unknown} */ act) =>
    (/** @type {any[]} */ ...args) => {
      callBack();
      return act(...args);
    };
  globalThis.fetch = calling(() => answer(dice, () => response(dice)));
  const entry = { key: `${'0'.repeat(12)}-x`, lease: 0, attempts: 0, events: 1, bytes: 1 };
  const given = {
    list: () => dice.pick([[], [entry], [null, 7], 'text']),
    put: () => undefined,
    claim: () => dice.pick([undefined, new Uint8Array(9), [1, 2], 'text']),
    mark: () => dice.pick([true, false, 7]),
    remove: () => undefined,
    quarantine: () => undefined,
    clear: () => undefined,
  };
  const store = Object.fromEntries(
    Object.entries(given).map(([name, sound]) => [name, calling(() => answer(dice, sound))]),
  );
  const spoil = () => {
    for (let count = dice.between(0, 3); count > 0; count -= 1) {
      try {
        dice.pick(patches)(dice, callBack);
      } catch {
        // One before has frozen it.
      }
    }
  };
  const isEarly = dice.between(0, 3) === 0;
  if (isEarly) spoil();
  telemetry.init({
    serviceName: 'hostile',
    store: dice.pick(['memory', undefined, store, store]),
    batch: {
      baseUrl: 'https://t.example.com',
      scheduledDelayMillis: 10,
      baseBackoffMillis: 1,
      maxQueueSize: dice.pick([50, 8_192]),
      maxExportBatchSize: dice.pick([5, 200]),
    },
    durability: dice.pick(['on-failure', 'write-ahead']),
    strict: false,
    auth: dice.pick([undefined, calling(() => answer(dice, () => 'Bearer x'))]),
    enrich: dice.pick([undefined, calling(() => answer(dice, () => ({ more: 1 })))]),
    onDiagnostic: calling(({ code }) => {
      if (code === 'internal_error') told += 1;
      if (dice.between(0, 1)) throw new Error('no');
    }),
  });
  for (let n = 0; n < 40 && telemetry.stats().state === 'loading'; n += 1) {
    await new Promise((done) => later(done, 5));
  }
  if (!isEarly) spoil();
  for (let n = 0; n < calls; n += 1) {
    callHostile(telemetry, dice, { value: 'text' });
    if (globalThis.document && dice.between(0, 19) === 0) playPage(dice);
    if (n % 50 === 49) await new Promise((done) => later(done, 2));
  }
  // Recursion without end, into each of them.
  const dives = [
    () => telemetry.logEvent('deep', { n: 1 }),
    () => telemetry.logEvent('deep', { [`k${dice.between(0, 9)}`]: 1 }),
    () =>
      telemetry.logExperiment({ experimentId: 'e', variationId: 1, userAttributes: { a: [1] } }),
    () => telemetry.updateConfig({ batch: { maxAttempts: dice.between(1, 9) } }),
    () => telemetry.setUser({ tier: dice.between(0, 9) }),
    () => telemetry.stats(),
  ];
  for (const call of [dice.pick(dives)]) {
    const dive = () => {
      call();
      dive();
    };
    try {
      dive();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  await new Promise((done) => later(done, 50));
  const ruined = JSON.parse === fail || (isEarly && crypto.getRandomValues === fail);
  return { ...telemetry.stats(), ruined, told };
}
