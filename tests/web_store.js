// What the tests of stores do in plain JavaScript.

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Opens the database as it stands, and closes it again. */
async function using(name, act) {
  const database = await done(indexedDB.open(name));
  try {
    return await act(database);
  } finally {
    database.close();
  }
}

export const eraseDatabase = (name) => done(indexedDB.deleteDatabase(name));

export const layForeign = (name) =>
  using(name, async (database) => {
    const transaction = database.transaction(['meta', 'batch'], 'readwrite');
    const meta = transaction.objectStore('meta');
    meta.put('nonsense', 'a text');
    meta.put({ lease: -1, attempts: 0, events: 1, bytes: 1 }, 'a negative lease');
    meta.put({ lease: 0, attempts: 2 ** 40, events: 1, bytes: 1 }, 'far too many attempts');
    meta.put({ lease: 0, attempts: 0, events: 1.5, bytes: 1 }, 'half an event');
    meta.put({}, 'empty');
    meta.put({ lease: 0, attempts: 0, events: 1, bytes: 1 }, 17);
    meta.put(null, ['null']);
    transaction.objectStore('batch').put('nonsense', 'a batch of no meta');
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
  });

export const count = (name, store) =>
  using(name, (database) => {
    if (!database.objectStoreNames.contains(store)) return undefined;
    return done(database.transaction(store).objectStore(store).count());
  });

export async function makeForeignDatabase(name) {
  await eraseDatabase(name);
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('theirs').put(1, 1);
  (await done(opening)).close();
}

/** A host's own store, which answers at once. */
export function memoryStore() {
  const records = new Map();
  const take = (seen, lease, attempts) => {
    const record = records.get(seen.key);
    if (record?.entry.lease !== seen.lease || record.entry.attempts !== seen.attempts) return;
    record.entry = { ...record.entry, lease, attempts };
    return record.bytes;
  };
  return {
    list: () => [...records.values()].map(({ entry }) => entry),
    put: (entry, bytes) => void records.set(entry.key, { entry, bytes }),
    claim: take,
    mark: (seen, lease, attempts) => take(seen, lease, attempts) !== undefined,
    remove(seen) {
      if (records.get(seen.key)?.entry.events <= seen.events) records.delete(seen.key);
    },
    quarantine: (key) => void records.delete(key),
    clear: () => records.clear(),
  };
}

/** The same store, but it answers with promises, later. */
export const promising = (store) =>
  Object.fromEntries(
    Object.entries(store).map(([name, method]) => [
      name,
      async (...given) => {
        await new Promise((resolve) => setTimeout(resolve));
        return method(...given);
      },
    ]),
  );

export function failing(name) {
  const fail = () => {
    throw name === 'nonsense' ? undefined : Object.assign(new Error(name), { name, code: name });
  };
  const methods = ['list', 'put', 'claim', 'mark', 'remove', 'quarantine', 'clear'];
  return Object.fromEntries(methods.map((method) => [method, fail]));
}
