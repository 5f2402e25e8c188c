// The end of a process: what waits is exported while there is time, and stored when there is none.
import { watchSignals } from './signals.js';

/** @type {Map<Client, number>} every client, and how many events it had at its last export at the end */
const clients = new Map();
/** @type {(() => void) | undefined} */
let stop;

/** @typedef {import('#bindings').Client} Client */

export function watch(/** @type {Client} */ client) {
  clients.set(client, -1);
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

/** One listener for each event, however many instances there are. */
function listen() {
  const storeAll = () => leaveAll('process');
  allowListeners(1);
  process.on('beforeExit', exportNew);
  process.on('exit', storeAll);
  const stopSignals = watchSignals((ends) => leaveAll(ends ? 'process' : 'signal'));
  return () => {
    stopSignals();
    process.removeListener('beforeExit', exportNew);
    process.removeListener('exit', storeAll);
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
  for (const [client, before] of clients) {
    apart(() => {
      const { accepted } = client.stats().ledger;
      if (accepted === before) return;
      clients.set(client, accepted);
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
