// The package's names. The free functions act on the default instance, which all copies of the package
// in a program share: one that was imported and one that was required must not be two queues.
import { Telemetry } from '#telemetry';
import { tell } from './diagnostics.js';
import { Kept } from './kept.js';
import { noFlush, noStackLeft, noStats } from './unready.js';
import { verified as prove } from './verified.js';

export { describe } from './describe.js';
export { Telemetry };

/**
 * @typedef {object} Default
 * @property {Telemetry} [telemetry]
 * @property {Kept} kept what is called before `init`
 * @property {Promise<void>} initialized
 * @property {() => void} resolve
 */

const place = Symbol.for('wasm-telemetry.default');

/** @type {Default | undefined} */
let slot;

/** @returns {Default} made at first use, for importing the package must change nothing */
function shared() {
  const global = /** @type {any} */ (globalThis);
  slot = global[place];
  if (slot) return slot;
  let resolve = () => {};
  const initialized = /** @type {Promise<void>} */ (
    new Promise((done) => {
      resolve = done;
    })
  );
  slot = { kept: new Kept(), initialized, resolve };
  global[place] = slot;
  return slot;
}

export function init(/** @type {import('../index.d.ts').InitOptions} */ options) {
  const { telemetry, kept, resolve } = shared();
  if (telemetry && telemetry.stats().state !== 'shut-down') {
    const message =
      'init() was called before; its first options hold (for another instance: new Telemetry)';
    tell(options ?? {}, { code: 'already_initialized', message });
    return telemetry;
  }
  const made = new Telemetry(options, kept);
  Object.assign(shared(), { telemetry: made, kept: new Kept() });
  resolve();
  return made;
}

export function logEvent(/** @type {string} */ name, /** @type {any} */ metadata) {
  const { telemetry, kept } = slot ?? shared();
  if (telemetry !== undefined) telemetry.logEvent(name, metadata);
  else kept.logEvent(name, metadata);
}

export function logExperiment(/** @type {any} */ exposure) {
  const { telemetry, kept } = shared();
  (telemetry ?? kept).logExperiment(exposure);
}

export function updateConfig(/** @type {any} */ patch) {
  const { telemetry, kept } = shared();
  if (telemetry) return telemetry.updateConfig(patch);
  kept.set('updateConfig', patch);
  return { changed: [], rejected: [], pending: true };
}

export function setContext(/** @type {any} */ patch) {
  const { telemetry, kept } = shared();
  if (telemetry) telemetry.setContext(patch);
  else kept.set('setContext', patch);
}

export function setUser(/** @type {any} */ patch) {
  const { telemetry, kept } = shared();
  if (telemetry) telemetry.setUser(patch);
  else kept.set('setUser', patch);
}

export function setConsent(/** @type {any} */ consent) {
  const { telemetry, kept } = shared();
  (telemetry ?? kept).setConsent(consent);
}

/** Before `init` there is nowhere to send to, and there may never be: nobody waits for that. */
export async function flush(/** @type {import('../index.d.ts').FlushOptions} */ options) {
  try {
    return (await shared().telemetry?.flush(options)) ?? noFlush();
  } catch {
    return noStackLeft;
  }
}

export async function shutdown(/** @type {import('../index.d.ts').FlushOptions} */ options) {
  try {
    return (await shared().telemetry?.shutdown(options)) ?? noFlush();
  } catch {
    return noStackLeft;
  }
}

export function stats() {
  return shared().telemetry?.stats() ?? noStats('loading');
}

export async function ready() {
  const { initialized } = shared();
  await initialized;
  await shared().telemetry?.ready();
}

export function verified(/** @type {string} */ text) {
  const { telemetry } = slot ?? shared();
  return telemetry?.verified(text) ?? prove(text, false);
}
