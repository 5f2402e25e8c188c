// What IndexedDB holds, read as it lies there: nothing is claimed, and nothing written.

/**
 * @param {string} service
 * @param {string[]} keys
 * @returns {Promise<Map<string, any>>} the body of each record that is there, as the format `json` has it
 */
export async function storedBodies(service, keys) {
  const bodies = new Map();
  const { openDecoder } = await import('#decoder');
  const decoder = await openDecoder();
  const database = await open(`wasm-telemetry:${service}`);
  try {
    const records = database.transaction('batch').objectStore('batch');
    const found = await Promise.all(keys.map((key) => outcome(records.get(key))));
    for (const [index, record] of found.entries()) {
      if (record instanceof Uint8Array) bodies.set(keys[index], decoder.body(record, 1, 0));
    }
  } finally {
    database.close();
  }
  return bodies;
}

/** @returns {Promise<IDBDatabase>} one that is there already */
function open(/** @type {string} */ name) {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.transaction?.abort();
  return outcome(request);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function outcome(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
