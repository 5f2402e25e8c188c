// `telemetry.js` for workerd, where each request's timers, promises and connections are its own: when it
// is over they end, and a request that waits for another's is ended with an error. So calls are kept, in
// whatever request they happen, and each `flush` sends what there is by a client that lives as long as
// that flush. What could not be sent goes into a store that all of them share.
import { tell } from './diagnostics.js';
import { Kept } from './kept.js';
import { merged, salvage } from './legacy.js';
import { forget, load, trapped, traps, whenLoaded } from './load.js';
import { settle } from './settings.js';
import { SharedStore } from './shared.js';
import { timeoutOf } from './timeout.js';
import { noFlush, noStats } from './unready.js';
import { verified } from './verified.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */
/** @typedef {import('../index.d.ts').FlushOptions} FlushOptions */
/** @typedef {import('../index.d.ts').FlushReport} FlushReport */
/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */
/** @typedef {import('../index.d.ts').Stats} Stats */
/** @typedef {import('./kept.js').Call} Call */
/** @typedef {import('#bindings').Client} Client */
/** @typedef {import('./load.js').Loaded} Loaded */
/**
 * @typedef {object} Sender
 * @property {Client} client
 * @property {number} until then it has ended, or never will
 * @property {(report: undefined) => void} [giveUp] after a trap
 */

/** As many as the queue has room for. */
const mostEvents = 8_192;
const graceMillis = 2_000;
const mostTold = 256;

export class Telemetry {
  #given;
  /** @type {InitOptions} */
  #options;
  #host;
  #kept;
  /** @type {Map<Call['method'], any>} what was set, for clients to come */
  #set = new Map();
  /** @type {Set<Sender>} */
  #senders = new Set();
  /** Of clients that have ended. */
  #stats = noStats('running');
  /** @type {Set<string>} what each client would tell anew */
  #told = new Set();
  /** @type {Loaded} */
  #loaded = {};
  /** @type {import('./legacy.js').Legacy[]} */
  #legacies = [];

  /** @param {Kept} [kept] what was called before, and comes first */
  constructor(/** @type {InitOptions} */ given, kept = new Kept()) {
    const { options, host } = settle(given);
    this.#given = given;
    this.#kept = kept;
    kept.most = mostEvents;
    this.#host = host;
    this.#options = {
      ...options,
      debug: false,
      onDiagnostic: (diagnostic) => this.#tell(diagnostic),
    };
    if (options.store === undefined && options.enabled !== false && !host.disabled) {
      const message = 'what fails to be sent is kept in memory only, and ends with the isolate';
      this.#tell({ code: 'store_memory', message, field: 'store' });
    }
    if (options.store === undefined || options.store === 'memory') {
      this.#options.store = new SharedStore();
    }
    if (kept.consent !== undefined) this.#options.consent = kept.consent;
    else if (options.consent === 'denied') kept.setConsent('denied');
  }

  logEvent(/** @type {string} */ name, /** @type {any} */ metadata) {
    if (this.#stats.state === 'running') this.#kept.logEvent(name, metadata);
  }

  logExperiment(/** @type {any} */ exposure) {
    if (this.#stats.state === 'running') this.#kept.logExperiment(exposure);
  }

  updateConfig(/** @type {any} */ patch) {
    this.#kept.set('updateConfig', patch);
    return { changed: [], rejected: [], pending: true };
  }

  setContext(/** @type {any} */ patch) {
    this.#kept.set('setContext', patch);
  }

  setUser(/** @type {any} */ patch) {
    this.#kept.set('setUser', patch);
  }

  setConsent(/** @type {any} */ consent) {
    this.#kept.setConsent(consent);
    // Another text changes nothing, and is told by the next client.
    if (this.#kept.consent !== consent) return;
    this.#options.consent = consent;
    const { store } = this.#options;
    if (consent === 'denied' && store instanceof SharedStore) store.clear();
    for (const { client } of this.#senders) this.#attempt(() => client.setConsent(consent));
  }

  /** @returns {Promise<FlushReport>} */
  async flush(/** @type {FlushOptions | undefined} */ options) {
    this.#takeFromDead();
    const { store, consent } = this.#options;
    const { length } = this.#kept.calls;
    const isEmpty = length === 0 && store instanceof SharedStore && store.list().length === 0;
    if (isEmpty || this.#stats.state !== 'running' || consent === 'pending' || isTooEarly()) {
      return { ...noFlush(), queued: length };
    }
    const timeout = timeoutOf(options);
    for (;;) {
      const client = this.#start();
      if (!client) return noFlush();
      /** @type {Sender} */
      const sender = { client, until: Date.now() + timeout + graceMillis };
      this.#senders.add(sender);
      const report = await Promise.race([
        this.#attempt(() => client.shutdown(timeout)),
        new Promise((resolve) => {
          sender.giveUp = resolve;
        }),
      ]);
      const isGivenUp = !this.#senders.has(sender);
      this.#end(sender);
      if (!isGivenUp) return report ?? noFlush();
    }
  }

  /** @returns {Promise<FlushReport>} */
  async shutdown(/** @type {FlushOptions | undefined} */ options) {
    const report = await this.flush(options);
    this.#stats.state = 'shut-down';
    forget(this.#use);
    return report;
  }

  /** @returns {Stats} */
  stats() {
    const { store } = this.#options;
    const stats = structuredClone(this.#stats);
    stats.traps = traps;
    for (const { client } of this.#senders) {
      const ledger = this.#attempt(() => client.stats().ledger);
      if (!ledger) continue;
      add(stats.ledger, ledger);
      stats.ledger.accepted += ledger.queued + ledger.inFlight;
      stats.ledger.inFlight += ledger.queued + ledger.inFlight;
    }
    if (store instanceof SharedStore) {
      // What a client holds is counted there.
      const free = store.list().filter(({ lease }) => lease < Date.now());
      const events = free.reduce((sum, entry) => sum + entry.events, 0);
      stats.ledger.accepted += events;
      stats.ledger.stored += events;
      const bytes = free.reduce((sum, entry) => sum + entry.bytes, 0);
      stats.store = { kind: 'memory', batches: free.length, events, bytes, copies: 0 };
    }
    return stats;
  }

  async ready() {}

  verified(/** @type {string} */ text) {
    return verified(text, this.#host.strict);
  }

  /**
   * A client of this very request, with all that was kept.
   * @returns {Client | undefined}
   */
  #start() {
    load(this.#options);
    whenLoaded(this.#use);
    const { core, reason } = this.#loaded;
    if (!core) {
      this.#stats.state = 'unavailable';
      const message = `no WebAssembly, so nothing is logged: ${reason}`;
      this.#tell({ code: 'wasm_unavailable', message });
      return undefined;
    }
    this.#options.sessionId ??= crypto.randomUUID();
    const client = this.#attempt(() => new core.Client(this.#options, this.#host));
    if (!client) return undefined;
    for (const legacy of this.#legacies.splice(0)) this.#attempt(() => client.follow(...legacy));
    const kept = this.#kept;
    this.#kept = new Kept();
    this.#kept.most = mostEvents;
    if (this.#options.consent === 'denied') this.#kept.setConsent('denied');
    const call = (/** @type {Call['method']} */ method, /** @type {any[]} */ args) =>
      this.#attempt(() => /** @type {any} */ (client)[method](...args));
    for (const [method, patch] of this.#set) call(method, [patch]);
    kept.handOn(({ method, args, at }) => {
      if (!method.startsWith('log')) this.#remember(method, args[0]);
      call(method, [...args, at || Date.now()]);
    });
    this.#stats.ledger.suppressed += kept.suppressed;
    if (kept.dropped > 0) {
      const message = `calls that could not be handled at once, and are lost: ${kept.dropped}`;
      this.#tell({ code: 'not_kept', message });
    }
    if (core !== this.#loaded.core) {
      // It trapped meanwhile.
      this.#legacies.push(salvage(client, core.memory));
      return this.#start();
    }
    return client;
  }

  #remember(/** @type {Call['method']} */ method, /** @type {any} */ patch) {
    this.#set.set(method, merged(this.#set.get(method), patch));
  }

  /** After a trap what the clients had is for the next ones. */
  #use = (/** @type {Loaded} */ loaded) => {
    const { core } = this.#loaded;
    this.#loaded = loaded;
    if (!core || core === loaded.core) return;
    for (const sender of this.#senders) {
      this.#senders.delete(sender);
      this.#legacies.push(salvage(sender.client, core.memory));
      sender.giveUp?.(undefined);
    }
  };

  /** A request that ended, or was ended, in the middle of its flush. */
  #takeFromDead() {
    for (const sender of this.#senders) {
      if (sender.until > Date.now()) continue;
      this.#attempt(() => sender.client.leave('process'));
      this.#end(sender);
    }
  }

  #end(/** @type {Sender} */ sender) {
    if (!this.#senders.delete(sender)) return;
    this.#attempt(() => {
      const { state, ledger, store, ...stats } = sender.client.stats();
      add(this.#stats.ledger, ledger);
      Object.assign(this.#stats, stats);
      if (state === 'disabled') this.#stats.state = state;
      sender.client.free();
    });
  }

  /**
   * @template T
   * @param {() => T} act
   * @returns {T | undefined}
   */
  #attempt(act) {
    try {
      return act();
    } catch (error) {
      const code = error instanceof TypeError ? 'misuse' : 'internal_error';
      if (code === 'internal_error') trapped(this.#loaded.core, error);
      this.#tell({ code, message: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  #tell(/** @type {Diagnostic} */ diagnostic) {
    const text = JSON.stringify(diagnostic);
    if (this.#told.has(text)) return;
    if (this.#told.size < mostTold) this.#told.add(text);
    tell(this.#given, diagnostic);
  }
}

/**
 * What a client leaves is accepted by another.
 * @param {any} sum
 * @param {Stats['ledger']} ledger
 */
function add(sum, { queued, inFlight, stored, dropped, ...counts }) {
  for (const [name, count] of Object.entries(counts)) sum[name] += count;
  for (const [reason, count] of Object.entries(dropped)) {
    sum.dropped[reason] = (sum.dropped[reason] ?? 0) + count;
  }
  sum.accepted -= queued + inFlight + stored;
}

/** Before its first request workerd gives no random numbers, no time and no network. */
function isTooEarly() {
  try {
    crypto.getRandomValues(new Uint8Array(1));
    return false;
  } catch {
    return true;
  }
}
