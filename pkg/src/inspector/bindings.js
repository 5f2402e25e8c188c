// In the build for development this stands between the package and its bindings: whatever goes into the
// WebAssembly or comes back from it is a step, and after each step the trace looks at where everything is.
import { bind as bindBare } from '#bindings';
import { callbacks } from '#imports';
import { Trace, traced } from './trace.js';

/** @typedef {import('#bindings').Bound} Bound */

/** Whose traces are of the WebAssembly that is there now. */
let owner = {};

/**
 * Called again after a trap, when what was bound before is used no more.
 * @returns {Bound}
 */
export function bind() {
  for (const trace of traced()) trace.failed ||= trace.owner === owner;
  owner = {};
  const { Client, imports, __wbg_set_wasm } = bindBare();
  return {
    Client: inspected(Client),
    imports,
    __wbg_set_wasm(exports) {
      const own = { ...exports };
      for (const name of callbacks) {
        const call = /** @type {Function} */ (exports[name]);
        own[name] = (/** @type {unknown[]} */ ...args) => {
          const result = call(...args);
          for (const trace of traced()) trace.step();
          return result;
        };
      }
      __wbg_set_wasm(own);
    },
  };
}

/** @returns {any} */
function inspected(/** @type {Bound['Client']} */ Bare) {
  return class Client extends Bare {
    #trace;

    constructor(/** @type {any} */ options, /** @type {any} */ host) {
      super(options, host);
      this.#trace = new Trace(options, host, {
        stats: () => super.stats(),
        places: (/** @type {string} */ key) => /** @type {any} */ (this).places(key),
      });
      this.#trace.owner = owner;
    }

    logEvent(/** @type {any} */ name, /** @type {any} */ metadata, /** @type {number} */ at) {
      this.#trace.call('event', name, metadata, at, () => super.logEvent(name, metadata, at));
    }

    logExperiment(/** @type {any} */ exposure, /** @type {number} */ at) {
      const { experimentId } = exposure ?? {};
      this.#trace.call('exposure', experimentId, exposure, at, () =>
        super.logExperiment(exposure, at),
      );
    }

    /** No event is remembered for the quick way, where it would not be seen on its own. */
    shape() {
      return -1;
    }

    wake() {
      super.wake();
      this.#trace.step();
    }

    updateConfig(/** @type {any} */ patch) {
      const report = super.updateConfig(patch);
      this.#trace.step();
      return report;
    }

    setConsent(/** @type {any} */ consent) {
      super.setConsent(consent);
      this.#trace.consented();
    }

    flush(/** @type {number} */ timeoutMillis) {
      const report = super.flush(timeoutMillis);
      this.#trace.step();
      return report;
    }

    shutdown(/** @type {number} */ timeoutMillis) {
      const report = super.shutdown(timeoutMillis);
      this.#trace.step();
      return report;
    }

    leave(/** @type {any} */ kind) {
      super.leave(kind);
      this.#trace.step();
    }
  };
}
