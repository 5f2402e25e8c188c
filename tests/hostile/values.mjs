// Values that try to carry text where there may be none. Runs in Node and in a page.

/** @typedef {ReturnType<typeof import('../support/dice.mjs').dice>} Dice */

const bytesOf = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @type {((text: string) => unknown)[]} each holds the text in another way */
const carriers = [
  (text) => text,
  (text) => `${text}`.repeat(50),
  (text) => new String(text),
  (text) => [text],
  (text) => Object.assign([1, 2], { length: 2, text }),
  (text) => ({ text }),
  (text) => new Map([[text, text]]),
  (text) => new Set([text]),
  (text) => bytesOf(text),
  (text) => Uint16Array.from(text, (letter) => letter.charCodeAt(0)),
  (text) => new Float64Array(bytesOf(text.padEnd(64)).buffer.slice(0, 64)),
  (text) => new DataView(bytesOf(text).buffer),
  (text) => bytesOf(text).buffer,
  (text) => new Error(text, { cause: text }),
  (text) => Object.assign(new TypeError(), { name: text, stack: text }),
  (text) => Symbol(text),
  (text) => Symbol.for(text),
  (text) => Object.defineProperty(() => text, 'name', { value: text }),
  (text) => BigInt(`0x${Array.from(bytesOf(text), (byte) => byte.toString(16)).join('')}`),
  (text) => new RegExp(text),
  (text) => new URL(`https://${text}.example/`),
  (text) => new URLSearchParams({ text }),
  (text) => Promise.resolve(text),
  // biome-ignore lint/suspicious/noThenProperty: that is the trap
  (text) => ({ then: (/** @type {Function} */ done) => done(text) }),
  (text) => ({ toString: () => text }),
  (text) => ({ valueOf: () => text }),
  (text) => ({ toJSON: () => text }),
  (text) => ({ [Symbol.toPrimitive]: () => text }),
  (text) => ({ [Symbol.iterator]: () => [text].values() }),
  (text) => ({ [Symbol.toStringTag]: text }),
  (text) => Object.assign(new Number(7), { toString: () => text, valueOf: () => text }),
  (text) => Object.assign(new Boolean(true), { toJSON: () => text }),
  (text) => Object.assign(new Date(0), { toISOString: () => text, toJSON: () => text }),
  (text) => Object.create({ text }),
  (text) => Object.create(null, { text: { value: text, enumerable: true } }),
  (text) => new Proxy({}, { get: () => text, ownKeys: () => [text], has: () => true }),
  (text) => new Proxy([], { get: () => text }),
  (text) => new Proxy(() => text, { get: () => text }),
  // Forged proofs that somebody looked at the text.
  (text) => ({ __verified: text }),
  (text) => Object.freeze(Object.assign(Object.create(null), { text })),
  (text) => Object.assign([text], { __verified: true }),
];

export const carrierCount = carriers.length;

/** @returns {any} a value that holds the text, perhaps within others */
export function carrier(/** @type {Dice} */ dice, /** @type {string} */ text, depth = 2) {
  const make = dice.pick(carriers);
  let value = /** @type {unknown} */ (text);
  try {
    value = make(text);
  } catch {
    // Where prototypes are frozen, some can't be made.
  }
  if (depth === 0 || dice.between(0, 2) > 0) return value;
  return carrying(dice, [['nested', carrier(dice, text, depth - 1)]], text);
}

/**
 * @param {Dice} dice
 * @param {[string, any][]} entries
 * @param {string} text
 * @returns {any} an object with these entries, which hands them out in one way or another
 */
export function carrying(dice, entries, text) {
  const object = /** @type {any} */ ({});
  for (const [key, value] of entries) {
    const get = dice.pick([
      undefined,
      undefined,
      () => value,
      () => {
        throw dice.pick([text, new Error(text), { text }, value]);
      },
    ]);
    const descriptor = get ? { get } : { value };
    Object.defineProperty(object, key, { ...descriptor, enumerable: true, configurable: true });
  }
  const wrap = dice.between(0, 9);
  if (wrap === 0) return new Proxy(object, {});
  if (wrap === 1) return Object.setPrototypeOf(object, { text, inherited: { text } });
  if (wrap === 2) return Object.defineProperty(object, 'toJSON', { value: () => ({ text }) });
  if (wrap === 3) return Object.assign(Object.create(null), object_(object));
  return object;
}

/** Its entries; what throws is left out. */
function object_(/** @type {any} */ object) {
  const copy = /** @type {any} */ ({});
  for (const key of Object.keys(object)) {
    try {
      copy[key] = object[key];
    } catch {}
  }
  return copy;
}
