// Environment variables as OpenTelemetry reads them: an empty one is none.
import { variable } from './runtime.js';

/** @typedef {(name: string, reason: string) => void} Reject never with the value, which may be a secret */

export function read(/** @type {string} */ name) {
  return attempt(() => variable(name)?.trim()) ?? '';
}

/** `key=value` by `key=value`, split by commas, still encoded; without a `=` the key is empty. */
export function pairsOf(/** @type {string} */ variable) {
  const pairs = read(variable).split(',');
  return pairs
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const at = Math.max(pair.indexOf('='), 0);
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    });
}

/** Percent-decoded; `undefined` if it was encoded badly. */
export function decoded(/** @type {string} */ text) {
  return attempt(() => decodeURIComponent(text));
}

/**
 * What the program gave wins. If it is no object, or throws, whoever reads the options tells.
 * @template T
 * @param {T} defaults
 * @param {T | undefined} given
 * @returns {T}
 */
export function merged(defaults, given) {
  if (typeof (given ?? {}) !== 'object') return /** @type {T} */ (given);
  return attempt(() => ({ ...defaults, ...given })) ?? /** @type {T} */ (given);
}

/**
 * @template T
 * @param {() => T} act
 */
export function attempt(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}
