// The end of a process: what waits is exported while there is time, and stored when there is none.
import { process } from './runtime.js';
import { watchSignals } from './signals.js';

/**
 * @typedef {object} Watched
 * @property {number} accepted how many events it had at its last export at the end
 * @property {() => void} onExit
 */

/** @type {Map<Client, Watched>} */
const clients = new Map();
/** @type {(() => void) | undefined} */
let stop;

/** @typedef {import('#bindings').Client} Client */
/** @typedef {import('./telemetry.js').Log} Log */

/** `onExit`: what was logged is stored; what other listeners log from now on is to be stored at once. */
export function watch(/** @type {Client} */ client, /** @type {() => void} */ onExit) {
  clients.set(client, { accepted: -1, onExit });
  stop ??= listen();
}

export function unwatch(/** @type {Client} */ client) {
  clients.delete(client);
  if (clients.size > 0) return;
  stop?.();
  stop = undefined;
}

/**
 * Keeps the process until an outcome that somebody waits for is there; our timers would let it end.
 * @template T
 * @param {Promise<T>} outcome
 */
export function holdOpen(outcome) {
  const timer = setInterval(() => {}, 2 ** 30);
  return outcome.finally(() => clearInterval(timer));
}

/** Logs where there is no later: each event is stored before the call returns. */
export function storing(/** @type {Log} */ log, /** @type {Client} */ client) {
  const store = () => apart(() => client.leave('process'));
  return {
    logEvent(/** @type {string} */ name, /** @type {any} */ metadata) {
      log.logEvent(name, metadata);
      store();
    },
    logExperiment(/** @type {any} */ exposure) {
      log.logExperiment(exposure);
      store();
    },
  };
}

/** One listener for each event, however many instances there are. */
function listen() {
  const storeAll = () => {
    leaveAll('process');
    for (const { onExit } of clients.values()) onExit();
  };
  const storeCopies = () => leaveAll('signal');
  const { Deno } = /** @type {any} */ (globalThis);
  allowListeners(1);
  process.on('beforeExit', exportNew);
  process.on('exit', storeAll);
  if (Deno) {
    // Nothing is told there to listeners of 'exit' by Deno.exit(), nor by an error that nobody catches.
    addEventListener('unload', storeAll);
    process.on('uncaughtExceptionMonitor', storeCopies);
  }
  const stopSignals = watchSignals((ends) => leaveAll(ends ? 'process' : 'signal'));
  return () => {
    stopSignals();
    process.removeListener('beforeExit', exportNew);
    process.removeListener('exit', storeAll);
    if (Deno) {
      removeEventListener('unload', storeAll);
      process.removeListener('uncaughtExceptionMonitor', storeCopies);
    }
    allowListeners(-1);
  };
}

/** A host that has as many as it may have must not be warned because of ours. */
function allowListeners(/** @type {number} */ more) {
  const most = process.getMaxListeners();
  // 0 allows any number.
  if (most > 1) process.setMaxListeners(most + more);
}

// Node asks again whenever it runs out of work, and an export is work. So events that came to nothing
// once, because the endpoint is down, are not tried again, or the process would never end.
function exportNew() {
  for (const [client, watched] of clients) {
    apart(() => {
      const { ledger, endpoint } = client.stats();
      const isStored = ledger.queued === 0 && endpoint.failures > 0;
      if (isStored || ledger.accepted === watched.accepted) return;
      watched.accepted = ledger.accepted;
      client.flush(30_000).catch(() => {});
    });
  }
}

function leaveAll(/** @type {'process' | 'signal'} */ kind) {
  for (const client of clients.keys()) apart(() => client.leave(kind));
}

function apart(/** @type {() => void} */ call) {
  try {
    call();
  } catch {
    // One instance's trouble is none of the others', and nothing can be told any more.
  }
}
