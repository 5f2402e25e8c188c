import { holdOpen, isNodeLike, storing, unwatch, watch } from '#platform';
import { tell } from './diagnostics.js';
import { guard, isHidden, isPage, recover } from './early.js';
import { Hot } from './hot.js';
import { Kept } from './kept.js';
import { merged, salvage } from './legacy.js';
import { forget, load, trapped, traps, whenLoaded } from './load.js';
import { settle } from './settings.js';
import { patchSnapshot } from './snapshot.js';
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
/** @typedef {import('#bindings').Client} Client */
/** @typedef {import('./load.js').Core} Core */
/** @typedef {import('./load.js').Loaded} Loaded */

/** @typedef {Pick<Hot, 'logEvent' | 'logExperiment'> & { retire?: () => void }} Log */

/** @typedef {'updateConfig' | 'setContext' | 'setUser'} Setter */

/** Either it still keeps calls, or it has a client and its hot path, or neither and does nothing. */
export class Telemetry {
  /** @type {InitOptions} */
  #options;
  #host;
  #strict;
  /** @type {Core | undefined} */
  #core;
  /** @type {Kept | undefined} */
  #kept;
  /** @type {Client | undefined} */
  #client;
  /** @type {Log | undefined} */
  #hot;
  /** Of a client whose instance trapped. @type {import('./legacy.js').Legacy | undefined} */
  #legacy;
  /** What the host set since the start, for clients to come. @type {Record<Setter, any>} */
  #set = { updateConfig: undefined, setContext: undefined, setUser: undefined };
  /** Resolves what a client promised, if its instance traps. @type {Set<(value?: any) => void>} */
  #waiting = new Set();
  #exits = false;
  #suppressed = 0;
  /** @type {Spool | undefined} */
  #spool;
  #saidAt = 0;
  /** Calls that came with too little stack left. */
  #overflown = 0;
  /** @type {Promise<void>} */
  #settled;
  #use = (/** @type {Loaded} */ _) => {};

  /** @param {Kept} [kept] what was called before, and comes first */
  constructor(/** @type {InitOptions} */ given, kept = new Kept()) {
    const { options, host } = settle(given);
    const spool = new Spool(options.serviceName, 'batches');
    host.spool = spool;
    this.#options = options;
    this.#host = host;
    this.#strict = host.strict;
    this.#kept = kept;
    // A page's own store is shared by the pages of its origin, and so is a denial.
    if (isPage && options.store === undefined) this.#spool = spool;
    this.#say(kept.consent ?? options.consent);
    if (options.consent === 'denied' && kept.consent === undefined) kept.setConsent('denied');
    const release = guard(options, host, kept);
    load(options);
    this.#settled = new Promise((resolve) => {
      this.#use = (loaded) => {
        this.#link(loaded, release());
        resolve();
      };
      whenLoaded(this.#use);
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
    return this.#patch('updateConfig', patch) ?? { changed: [], rejected: [] };
  }

  setContext(/** @type {any} */ patch) {
    if (this.#kept) this.#kept.set('setContext', patch);
    else this.#patch('setContext', patch);
  }

  setUser(/** @type {any} */ patch) {
    if (this.#kept) this.#kept.set('setUser', patch);
    else this.#patch('setUser', patch);
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
      return await this.#report('flush', options);
    } catch {
      return noStackLeft;
    }
  }

  /** @returns {Promise<FlushReport>} */
  async shutdown(/** @type {FlushOptions | undefined} */ options) {
    try {
      if (this.#kept) await this.#settledWithin(options);
      const report = await this.#report('shutdown', options);
      if (this.#client) this.#quit();
      return report;
    } catch {
      return noStackLeft;
    }
  }

  /** @returns {Stats} */
  stats() {
    const stats =
      this.#run((client) => client.stats(), needStack, true) ??
      noStats(this.#kept ? 'loading' : 'unavailable');
    stats.ledger.suppressed += this.#suppressed;
    stats.traps = traps;
    return stats;
  }

  async ready() {
    await this.#settled;
    await this.#promised((client) => client.ready());
  }

  verified(/** @type {string} */ text) {
    return verified(text, this.#strict);
  }

  /** The host's own word, which wins over those before it. */
  #say(/** @type {unknown} */ consent) {
    if (consent !== 'granted' && consent !== 'pending' && consent !== 'denied') return;
    this.#spool?.remember(consent);
    this.#options.consent = consent;
    this.#saidAt = Date.now();
  }

  /** Whether another page of the origin was told so since. */
  #isDenied() {
    return this.#spool !== undefined && this.#spool.deniedAt() > this.#saidAt;
  }

  /**
   * @param {Loaded} loaded
   * @param {boolean} leaving whether the page was going away when that was not known
   */
  #link({ core, reason, last }, leaving) {
    // A trap within a start is told here first.
    if (core && core === this.#core) return;
    const client = this.#client;
    const hot = this.#hot;
    const before = this.#core;
    this.#core = core;
    this.#client = undefined;
    this.#hot = undefined;
    this.#kept ??= new Kept();
    if (client && before) this.#legacy = salvage(client, before.memory);
    hot?.retire?.();
    if (core) this.#start(core, leaving);
    if (core !== this.#core) return;
    if (core && last) {
      this.#run((heir) => {
        heir.leave('process');
        heir.shutdown(0);
      });
    }
    if (!core || last) {
      const code = traps > 0 ? 'internal_error' : 'wasm_unavailable';
      this.#stop(code, `the WebAssembly failed, so nothing is logged: ${reason}`);
    } else if (reason !== undefined) {
      this.#tell('internal_error', `the WebAssembly failed and was started again: ${reason}`);
    }
    for (const resolve of this.#waiting) resolve();
  }

  #start(/** @type {Core} */ core, /** @type {boolean} */ leaving) {
    const kept = /** @type {Kept} */ (this.#kept);
    const options = this.#options;
    const host = this.#host;
    // Not before: the first look into `localStorage` can take a page longer than all of `init`.
    if (this.#isDenied()) {
      options.consent = 'denied';
      kept.setConsent('denied');
    }
    // First, for who opens the store later sees what was put there.
    if (host.sessionId === undefined) recover(core.Client, options, host, kept);
    else Object.assign(host, { patch: this.#set.updateConfig, consentAt: this.#saidAt });
    try {
      const sessionId = host.sessionId ?? options.sessionId;
      const client = new core.Client({ ...options, sessionId }, host);
      // It called back, and that trapped.
      if (core !== this.#core) return;
      this.#client = client;
    } catch (error) {
      if (isMisuse(error)) this.#stop('internal_error', `nothing is logged: ${error}`);
      else trapped(core, error);
      return;
    }
    const legacy = this.#legacy;
    this.#legacy = undefined;
    if (legacy) this.#runApart((client) => client.follow(...legacy));
    if (isNodeLike) {
      watch(this, {
        run: (call) => this.#run(call, needStack, true),
        onExit: () => {
          this.#exits = true;
          if (this.#hot) this.#hot = this.#storing(this.#hot);
        },
      });
    }
    for (const method of /** @type {const} */ (['setContext', 'setUser'])) {
      const patch = this.#set[method];
      if (patch) this.#runApart((client) => client[method](patch));
    }
    this.#handOn(kept);
    // After a trap all this was done again.
    if (this.#kept !== kept) return;
    this.#suppressed += kept.suppressed;
    this.#kept = undefined;
    const hot = new Hot(core.memory, {
      general: this.#strict || options.enrich !== undefined,
      run: (call) => this.#run(call),
      runApart: (call) => this.#runApart(call),
      runLater: (call) => this.#runApart(call, anyStack),
      tellDropped: (count) => this.#tellDropped(count),
    });
    this.#hot = this.#exits ? this.#storing(hot) : hot;
    this.#tellDropped(kept.dropped);
    // Its listeners come too late for an event that goes on now.
    if (leaving || isHidden()) this.#run((client) => client.leave('page'));
  }

  #storing(/** @type {Log} */ hot) {
    return storing(hot, () => this.#run((client) => client.leave('process'), needStack, true));
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
        if (method in this.#set) this.#remember(/** @type {Setter} */ (method), args[0]);
        this.#runApart((client) => {
          /** @type {any} */ (client)[method](...args, at);
        });
      });
    } while (kept.consent !== consent);
  }

  #patch(/** @type {Setter} */ method, /** @type {any} */ patch) {
    try {
      const copy = patchSnapshot(patch);
      this.#remember(method, copy);
      return this.#run((client) => client[method](copy));
    } catch (error) {
      if (isMisuse(error)) throw error;
      // Out of stack, and not within the core.
      this.#overflown += 1;
      return undefined;
    }
  }

  #remember(/** @type {Setter} */ method, /** @type {any} */ patch) {
    this.#set[method] = merged(this.#set[method], patch);
  }

  /**
   * @template T
   * @param {(client: Client) => T} call
   * @param {() => void} [probe] throws if too little stack is left
   * @param {boolean} [again] after a trap, with another client
   * @returns {T | undefined}
   */
  #run(call, probe = needStack, again = false) {
    const client = this.#client;
    const core = this.#core;
    if (!client) return undefined;
    let entered = false;
    try {
      probe();
      entered = true;
      if (this.#overflown > 0) this.#tellOverflown();
      return call(client);
    } catch (error) {
      // There is not even room to tell it now.
      if (!entered) {
        this.#overflown += 1;
      } else if (isMisuse(error)) {
        throw error;
      } else {
        trapped(core, error);
        if (again && client !== this.#client) return this.#run(call, probe);
      }
      return undefined;
    }
  }

  /**
   * @param {'flush' | 'shutdown'} method
   * @param {FlushOptions | undefined} options
   * @returns {Promise<FlushReport>}
   */
  async #report(method, options) {
    const promised = this.#promised((client) => client[method](timeoutOf(options)));
    const report = await (isNodeLike ? holdOpen(promised) : promised);
    return report ?? { ...noFlush(), timedOut: this.#kept !== undefined };
  }

  /**
   * What a client promises; if it traps before that is kept, another one is asked.
   * @template T
   * @param {(client: Client) => Promise<T>} call
   * @returns {Promise<T | undefined>}
   */
  async #promised(call) {
    const promise = this.#run(call, needStack, true);
    const client = this.#client;
    if (!promise) return undefined;
    const outcome = await new Promise((resolve) => {
      const done = (/** @type {any} */ value) => {
        this.#waiting.delete(done);
        resolve(value);
      };
      this.#waiting.add(done);
      promise.then(done);
    });
    return client === this.#client ? outcome : this.#promised(call);
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

  #quit() {
    unwatch(this);
    forget(this.#use);
  }

  #stop(/** @type {DiagnosticCode} */ code, /** @type {string} */ message) {
    this.#quit();
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

/** Ours, of strict mode: everything else that the core throws leaves it half done. */
function isMisuse(/** @type {any} */ error) {
  return error instanceof TypeError && error.message.startsWith('wasm-telemetry: ');
}
