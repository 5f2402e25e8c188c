// The proof that `verified` gives is an object that holds nothing and that nobody else can make. Its
// text is kept beside it, in a map that all copies of the package and the WebAssembly share.

const registry = Symbol.for('wasm-telemetry.verified');
const longest = 1024;

/** @returns {import('../index.d.ts').Verified} */
export function verified(/** @type {unknown} */ text, /** @type {boolean} */ strict) {
  const fits = typeof text === 'string' && text.length <= longest;
  if (!fits && strict) {
    throw new TypeError(`verified(): text must be a string of at most ${longest} characters`);
  }
  const proof = Object.freeze(Object.create(null));
  // Without an entry it proves nothing: the field is left out and counted.
  if (fits) texts().set(proof, text);
  return proof;
}

/** @returns {string | undefined} what it proves, if it is a proof */
export function textOf(/** @type {any} */ proof) {
  return texts().get(proof);
}

/** @type {WeakMap<object, string> | undefined} made at first use, for importing must change nothing */
let known;

function texts() {
  const shared = /** @type {any} */ (globalThis);
  known ??= /** @type {WeakMap<object, string>} */ ((shared[registry] ??= new WeakMap()));
  return known;
}
