// Calls that can't be handed on yet, in their order: before `init`, while the WebAssembly loads, or
// from within a getter that an event's metadata has.
import { exposureSnapshot, patchSnapshot, snapshot } from './snapshot.js';

/**
 * @typedef {object} Call
 * @property {'logEvent' | 'logExperiment' | 'updateConfig' | 'setContext' | 'setUser' | 'setConsent'} method
 * @property {any[]} args
 * @property {number} at
 */

const mostSettings = 1_000;

// A getter that logs the very object it belongs to would never end.
const deepest = 2;
let depth = 0;

export class Kept {
  /** @type {Call[]} */
  calls = [];
  /** So many events are kept. */
  most = 1_000;
  /** Calls beyond what is kept. */
  dropped = 0;
  /** Events that consent forbids. */
  suppressed = 0;
  /** @type {any} what was last said about it; undefined if nothing was */
  consent = undefined;
  #events = 0;
  #settings = 0;

  logEvent(/** @type {string} */ name, /** @type {any} */ metadata) {
    this.#event('logEvent', () => [name, snapshot(metadata)]);
  }

  logExperiment(/** @type {any} */ exposure) {
    this.#event('logExperiment', () => [exposureSnapshot(exposure)]);
  }

  set(/** @type {Call['method']} */ method, /** @type {any} */ patch) {
    if (this.#settings >= mostSettings) {
      this.dropped += 1;
    } else {
      this.#settings += 1;
      this.calls.push({ method, args: [patchSnapshot(patch)], at: Date.now() });
    }
  }

  /** What holds events back, or wipes them, does not wait for its turn behind them. */
  setConsent(/** @type {unknown} */ consent) {
    const known = ['granted', 'pending', 'denied'].some((each) => each === consent);
    // It changes nothing, and will be told.
    if (!known) return this.set('setConsent', consent);
    this.consent = consent;
    if (consent !== 'denied') return;
    const settings = this.calls.filter(({ method }) => !method.startsWith('log'));
    this.suppressed += this.calls.length - settings.length;
    this.calls = settings;
  }

  /** Hands every call on, those too that come meanwhile, and starts anew. */
  handOn(/** @type {(call: Call) => void} */ take) {
    for (let call = this.calls.shift(); call; call = this.calls.shift()) take(call);
    this.#events = 0;
    this.#settings = 0;
  }

  #event(/** @type {Call['method']} */ method, /** @type {() => any[]} */ read) {
    if (this.consent === 'denied') {
      this.suppressed += 1;
    } else if (this.#events >= this.most || depth >= deepest) {
      this.dropped += 1;
    } else {
      this.#events += 1;
      const call = { method, args: /** @type {any[]} */ ([]), at: Date.now() };
      // Before it is read, so that what its getters log comes after it.
      this.calls.push(call);
      depth += 1;
      try {
        call.args = read();
      } finally {
        depth -= 1;
      }
    }
  }
}
