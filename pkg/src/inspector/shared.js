// What the build for development and the inspector share, whichever of the two is there first.

/**
 * @typedef {object} Shared
 * @property {import('./trace.js').Trace[]} traces one for each instance, the oldest first
 * @property {() => void} changed what the panel is called by
 */

const place = Symbol.for('wasm-telemetry.inspector');

/** @returns {Shared} */
export function shared() {
  const global = /** @type {any} */ (globalThis);
  global[place] ??= { traces: [], changed: () => {} };
  return global[place];
}
