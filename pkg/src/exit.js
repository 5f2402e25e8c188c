// The end of a process: what waits is exported while there is time, and stored when there is none.
import { process } from './runtime.js';
import { watchSignals } from './signals.js';

/**
 * @typedef {object} Host
 * @property {(call: (client: Client) => void) => void} run
 * @property {() => void} onExit what was logged is stored; what other listeners log from now on is to be
 *   stored at once
 */

/** @typedef {Host & { accepted?: number }} Watched `accepted`: how many events it had at its last export */

/** @type {Map<object, Watched>} */
const watched = new Map();
/** @type {(() => void) | undefined} */
let stop;

/** @typedef {import('#bindings').Client} Client */
/** @typedef {import('./telemetry.js').Log} Log */

export function watch(/** @type {object} */ telemetry, /** @type {Host} */ host) {
  watched.set(telemetry, { ...host });
  stop ??= listen();
}

export function unwatch(/** @type {object} */ telemetry) {
  watched.delete(telemetry);
  if (watched.size > 0) return;
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
export function storing(/** @type {Log} */ log, /** @type {() => void} */ leave) {
  const store = () => apart(leave);
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
    for (const { onExit } of watched.values()) onExit();
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
  for (const each of watched.values()) {
    apart(() =>
      each.run((client) => {
        const { ledger, endpoint } = client.stats();
        const isStored = ledger.queued === 0 && endpoint.failures > 0;
        if (isStored || ledger.accepted === each.accepted) return;
        each.accepted = ledger.accepted;
        client.flush(30_000).catch(() => {});
      }),
    );
  }
}

function leaveAll(/** @type {'process' | 'signal'} */ kind) {
  for (const { run } of watched.values()) apart(() => run((client) => client.leave(kind)));
}

function apart(/** @type {() => void} */ call) {
  try {
    call();
  } catch {
    // One instance's trouble is none of the others', and nothing can be told any more.
  }
}
