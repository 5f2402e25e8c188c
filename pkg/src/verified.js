// The proof that `verified` gives holds its text where nobody but this file can reach it or put one.
// (A map from proofs to texts would do, too, but costs most of a microsecond for each.)

const registry = Symbol.for('wasm-telemetry.verified');
const longest = 1024;

/** @returns {import('../index.d.ts').Verified} */
export function verified(/** @type {unknown} */ text, /** @type {boolean} */ strict) {
  const fits = typeof text === 'string' && text.length <= longest;
  if (!fits && strict) {
    throw new TypeError(`verified(): text must be a string of at most ${longest} characters`);
  }
  // Without a text it proves nothing: the field is left out and counted.
  return proofs().make(fits ? text : undefined);
}

/** @returns {string | undefined} what it proves, if it is a proof */
export function textOf(/** @type {any} */ proof) {
  return proofs().get(proof);
}

class Proof {
  #text;

  constructor(/** @type {string | undefined} */ text) {
    this.#text = text;
  }

  static get(/** @type {any} */ proof) {
    return typeof proof === 'object' && proof !== null && #text in proof ? proof.#text : undefined;
  }
}
Object.setPrototypeOf(Proof.prototype, null);
// @ts-expect-error: through it a program could make proofs past the limit.
delete Proof.prototype.constructor;

/** @typedef {{ make(text: string | undefined): any, get(proof: any): string | undefined }} Proofs */

/** @type {Proofs | undefined} made at first use, for importing must change nothing */
let known;

/** Those of the first copy of the package in a realm, which all copies and the WebAssembly share. */
function proofs() {
  const shared = /** @type {any} */ (globalThis);
  known ??= /** @type {Proofs} */ (
    (shared[registry] ??= Object.freeze({
      make: (/** @type {string | undefined} */ text) => new Proof(text),
      get: Proof.get,
    }))
  );
  return known;
}
