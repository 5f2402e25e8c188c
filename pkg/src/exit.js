// The end of a process: what waits is exported while there is time, and stored when there is none. The
// signals keep their meaning: a process that is killed by one writes nothing any more.

/** @type {Map<Client, number>} every client, and how many events it had at its last export at the end */
const clients = new Map();
let listening = false;

/** @typedef {import('#bindings').Client} Client */

export function watch(/** @type {Client} */ client) {
  clients.set(client, -1);
  if (listening) return;
  listening = true;
  process.on('beforeExit', exportNew);
  process.on('exit', storeAll);
}

export function unwatch(/** @type {Client} */ client) {
  clients.delete(client);
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

function storeAll() {
  for (const client of clients.keys()) apart(() => client.leave('process'));
}

function apart(/** @type {() => void} */ call) {
  try {
    call();
  } catch {
    // One instance's trouble is none of the others', and nothing can be told any more.
  }
}
