// What `debug: true` prints.
import { write } from '#platform';

/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */
/** @typedef {import('../index.d.ts').Stats} Stats */

/**
 * Called by the WebAssembly, too.
 * @param {Diagnostic | number | true | undefined} what a diagnostic; the status of a request that ended,
 *   0 if there was no answer; `true` at the end; nothing when the store is open
 * @param {Stats} [stats]
 */
export function print(what, stats) {
  if (typeof what === 'object') return write(what.code, what.message, true);
  const { ledger, endpoint, store } = /** @type {Stats} */ (stats);
  if (what === undefined) return write('ready', `${endpoint.url}, store: ${store.kind}`);
  const counts = Object.entries({ ...ledger, ...ledger.dropped }).filter(
    ([, count]) => /** @type {number} */ (count) > 0,
  );
  const text = counts.map(([name, count]) => `${name} ${count}`).join(', ');
  write(what === true ? 'shut down' : what || 'no answer', text);
}
