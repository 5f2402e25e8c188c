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

/** @type {((dice: Dice) => void)[]} what a page's other scripts do to it */
const patches = [
  () => Object.freeze(Object.prototype),
  () => Object.freeze(Array.prototype),
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
    globalThis.clearTimeout = () => {
      throw new Error('no');
    };
  },
  () => {
    globalThis.AbortController = /** @type {any} */ (undefined);
  },
  () => {
    globalThis.CompressionStream = /** @type {any} */ (undefined);
  },
];

/**
 * @param {any} telemetry the package
 * @param {Dice} dice
 * @param {number} calls
 * @returns {Promise<any>} `stats()` at the end
 */
export async function live(telemetry, dice, calls) {
  let depth = 0;
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
  telemetry.init({
    serviceName: 'hostile',
    store: dice.pick(['memory', store, store]),
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
    onDiagnostic: calling(() => {
      if (dice.between(0, 1)) throw new Error('no');
    }),
  });
  await Promise.race([telemetry.ready(), new Promise((done) => later(done, 200))]);
  for (let count = dice.between(0, 3); count > 0; count -= 1) {
    try {
      dice.pick(patches)(dice);
    } catch {
      // One before has frozen it.
    }
  }
  for (let n = 0; n < calls; n += 1) {
    callHostile(telemetry, dice, { value: 'text' });
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
  return telemetry.stats();
}
