import { Client } from '#bindings';
import { holdOpen, isNodeLike, storing, unwatch, watch } from '#platform';
import { tell } from './diagnostics.js';
import { guard, isPage, recover } from './early.js';
import { Hot } from './hot.js';
import { Kept } from './kept.js';
import { load, whenLoaded } from './load.js';
import { settle } from './settings.js';
import { Spool } from './spool.js';
import { anyStack, needStack } from './stack.js';
import { timeoutOf } from './timeout.js';
import { noFlush, noStackLeft, noStats } from './unready.js';
import { verified } from './verified.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */
/** @typedef {import('../index.d.ts').DiagnosticCode} DiagnosticCode */
/** @typedef {import('../index.d.ts').FlushOptions} FlushOptions */
/** @typedef {import('../index.d.ts').FlushReport} FlushReport */
/** @typedef {import('../index.d.ts').ConfigReport} ConfigReport */
/** @typedef {import('../index.d.ts').Stats} Stats */

/** @typedef {Pick<Hot, 'logEvent' | 'logExperiment'>} Log */

/** Either it still keeps calls, or it has a client and its hot path, or neither and does nothing. */
export class Telemetry {
  /** @type {InitOptions} */
  #options;
  #strict;
  /** @type {Kept | undefined} */
  #kept;
  /** @type {Client | undefined} */
  #client;
  /** @type {Log | undefined} */
  #hot;
  #suppressed = 0;
  /** @type {Spool | undefined} */
  #spool;
  #saidAt = 0;
  /** Calls that came with too little stack left. */
  #overflown = 0;
  /** @type {Promise<void>} */
  #settled;

  /** @param {Kept} [kept] what was called before, and comes first */
  constructor(/** @type {InitOptions} */ given, kept = new Kept()) {
    const { options, host } = settle(given);
    const spool = new Spool(options.serviceName, 'batches');
    host.spool = spool;
    this.#options = options;
    this.#strict = host.strict;
    this.#kept = kept;
    // A page's own store is shared by the pages of its origin, and so is a denial.
    if (isPage && options.store === undefined) this.#spool = spool;
    this.#say(kept.consent ?? options.consent);
    if (options.consent === 'denied' && kept.consent === undefined) kept.setConsent('denied');
    const release = guard(options, host, kept);
    load(options);
    this.#settled = new Promise((resolve) => {
      whenLoaded(({ memory, reason }) => {
        const leaving = release();
        if (memory) this.#start(memory, host, leaving);
        else this.#stop('wasm_unavailable', `no WebAssembly, so nothing is logged: ${reason}`);
        resolve();
      });
    });
  }

  logEvent(/** @type {string} */ name, /** @type {any} */ metadata) {
    if (this.#hot !== undefined) this.#hot.logEvent(name, metadata);
    else this.#kept?.logEvent(name, metadata);
  }

  logExperiment(/** @type {any} */ exposure) {
    if (this.#hot !== undefined) this.#hot.logExperiment(exposure);
    else this.#kept?.logExperiment(exposure);
  }

  /** @returns {ConfigReport} */
  updateConfig(/** @type {any} */ patch) {
    if (this.#kept) {
      this.#kept.set('updateConfig', patch);
      return { changed: [], rejected: [], pending: true };
    }
    return this.#run((client) => client.updateConfig(patch)) ?? { changed: [], rejected: [] };
  }

  setContext(/** @type {any} */ patch) {
    if (this.#kept) this.#kept.set('setContext', patch);
    else this.#run((client) => client.setContext(patch));
  }

  setUser(/** @type {any} */ patch) {
    if (this.#kept) this.#kept.set('setUser', patch);
    else this.#run((client) => client.setUser(patch));
  }

  setConsent(/** @type {any} */ consent) {
    this.#say(consent);
    if (this.#kept) this.#kept.setConsent(consent);
    else this.#run((client) => client.setConsent(consent));
  }

  /** @returns {Promise<FlushReport>} */
  async flush(/** @type {FlushOptions | undefined} */ options) {
    try {
      // Not awaited without need: a page that goes away has no later.
      if (this.#kept) await this.#settledWithin(options);
      return await this.#report((client) => client.flush(timeoutOf(options)));
    } catch {
      return noStackLeft;
    }
  }

  /** @returns {Promise<FlushReport>} */
  async shutdown(/** @type {FlushOptions | undefined} */ options) {
    try {
      if (this.#kept) await this.#settledWithin(options);
      const report = await this.#report((client) => client.shutdown(timeoutOf(options)));
      if (this.#client) unwatch(this.#client);
      return report;
    } catch {
      return noStackLeft;
    }
  }

  /** @returns {Stats} */
  stats() {
    const stats = this.#run((client) => client.stats());
    if (!stats) return noStats(this.#kept ? 'loading' : 'unavailable');
    stats.ledger.suppressed += this.#suppressed;
    return stats;
  }

  async ready() {
    await this.#settled;
    await this.#run((client) => client.ready());
  }

  verified(/** @type {string} */ text) {
    return verified(text, this.#strict);
  }

  /** The host's own word, which wins over those before it. */
  #say(/** @type {unknown} */ consent) {
    this.#spool?.remember(consent);
    if (consent !== undefined) this.#saidAt = Date.now();
  }

  /** Whether another page of the origin was told so since. */
  #isDenied() {
    return this.#spool !== undefined && this.#spool.deniedAt() > this.#saidAt;
  }

  /**
   * @param {WebAssembly.Memory} memory
   * @param {import('./settings.js').Host} host
   * @param {boolean} leaving whether the page was going away when that was not known
   */
  #start(memory, host, leaving) {
    const kept = /** @type {Kept} */ (this.#kept);
    // Not before: the first look into `localStorage` can take a page longer than all of `init`.
    if (this.#isDenied()) {
      this.#options.consent = 'denied';
      kept.setConsent('denied');
    }
    // First, for who opens the store later sees what was put there.
    recover(this.#options, host, kept);
    try {
      this.#client = new Client(this.#options, host);
    } catch (error) {
      this.#stop('internal_error', `nothing is logged: ${error}`);
      return;
    }
    const client = this.#client;
    if (isNodeLike) {
      watch(client, () => {
        if (this.#hot) this.#hot = storing(this.#hot, client);
      });
    }
    const hot = new Hot(client, memory, {
      general: this.#strict || this.#options.enrich !== undefined,
      run: (call) => this.#run(call),
      runApart: (call) => this.#runApart(call),
      runLater: (call) => this.#runApart(call, anyStack),
      tellDropped: (count) => this.#tellDropped(count),
    });
    this.#handOn(kept);
    if (leaving) this.#run((current) => current.leave('page'));
    this.#suppressed = kept.suppressed;
    this.#kept = undefined;
    if (this.#client) this.#hot = hot;
    this.#tellDropped(kept.dropped);
  }

  // The host's code may run meanwhile (`onDiagnostic`); what it calls is kept, too.
  #handOn(/** @type {Kept} */ kept) {
    /** @type {unknown} */
    let consent;
    do {
      if (kept.consent !== consent) {
        consent = kept.consent;
        this.#runApart((client) => client.setConsent(consent));
      }
      kept.handOn(({ method, args, at }) => {
        this.#runApart((client) => {
          /** @type {any} */ (client)[method](...args, at);
        });
      });
    } while (kept.consent !== consent);
  }

  /**
   * @template T
   * @param {(client: Client) => T} call
   * @param {() => void} [probe] throws if too little stack is left
   * @returns {T | undefined}
   */
  #run(call, probe = needStack) {
    if (!this.#client) return undefined;
    let entered = false;
    try {
      probe();
      entered = true;
      if (this.#overflown > 0) this.#tellOverflown();
      return call(this.#client);
    } catch (error) {
      // There is not even room to tell it now.
      if (!entered) {
        this.#overflown += 1;
      } else if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError) {
        this.#stop('internal_error', `nothing is logged any more, for the core failed: ${error}`);
      } else if (this.#strict && error instanceof TypeError) {
        throw error;
      } else {
        this.#tell('internal_error', String(error));
      }
      return undefined;
    }
  }

  /**
   * @param {(client: Client) => Promise<FlushReport>} call
   * @returns {Promise<FlushReport>}
   */
  async #report(call) {
    const report = this.#run(call);
    if (!report) return { ...noFlush(), timedOut: this.#kept !== undefined };
    return isNodeLike ? holdOpen(report) : report;
  }

  /** A page that serves the WebAssembly itself may wait for it long. */
  #settledWithin(/** @type {FlushOptions | undefined} */ options) {
    // A timer's longest time is 2^31 - 1; it rings at once for more.
    const millis = Math.min(timeoutOf(options), 2 ** 30);
    return Promise.race([this.#settled, new Promise((resolve) => setTimeout(resolve, millis))]);
  }

  /**
   * Where nobody waits for what strict mode throws.
   * @param {(client: Client) => void} call
   * @param {() => void} [probe]
   */
  #runApart(call, probe) {
    try {
      this.#run(call, probe);
    } catch (error) {
      this.#tell('misuse', /** @type {TypeError} */ (error).message);
    }
  }

  #stop(/** @type {DiagnosticCode} */ code, /** @type {string} */ message) {
    if (this.#client) unwatch(this.#client);
    this.#client = undefined;
    this.#hot = undefined;
    this.#kept = undefined;
    this.#tell(code, message);
  }

  #tellOverflown() {
    const count = this.#overflown;
    this.#overflown = 0;
    this.#tellDropped(count);
  }

  #tellDropped(/** @type {number} */ count) {
    if (count === 0) return;
    this.#tell('not_kept', `calls that could not be handled at once, and are lost: ${count}`);
  }

  /**
   * @param {DiagnosticCode} code
   * @param {string} message
   * @param {string} [field]
   */
  #tell(code, message, field) {
    tell(this.#options, field === undefined ? { code, message } : { code, message, field });
  }
}
