/** @typedef {import('../index.d.ts').Store} Store */
/** @typedef {import('../index.d.ts').StoreEntry} Entry */

/**
 * A store in memory for several clients: leases are between them.
 * @implements {Store}
 */
export class SharedStore {
  /** @type {Map<string, { entry: Entry, bytes: Uint8Array }>} */
  #records = new Map();

  list() {
    return Array.from(this.#records.values(), ({ entry }) => entry);
  }

  put(/** @type {Entry} */ entry, /** @type {Uint8Array} */ bytes) {
    this.#records.set(entry.key, { entry, bytes });
  }

  claim(/** @type {Entry} */ seen, /** @type {number} */ lease, /** @type {number} */ attempts) {
    const record = this.#records.get(seen.key);
    if (record?.entry.lease !== seen.lease || record.entry.attempts !== seen.attempts) {
      return undefined;
    }
    record.entry = { ...record.entry, lease, attempts };
    return record.bytes;
  }

  mark(/** @type {Entry} */ seen, /** @type {number} */ lease, /** @type {number} */ attempts) {
    return this.claim(seen, lease, attempts) !== undefined;
  }

  remove(/** @type {Entry} */ { key, events }) {
    const record = this.#records.get(key);
    if (record && record.entry.events <= events) this.#records.delete(key);
  }

  quarantine(/** @type {string} */ key) {
    this.#records.delete(key);
  }

  clear() {
    this.#records.clear();
  }
}
