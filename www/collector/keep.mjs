import { comeAgain } from './http.mjs';

/**
 * Keeps batches in the database. What arrives while others are on their way is committed with them:
 * waiting for the disk is what a commit costs, and it is paid once for all of them.
 * @param {ReturnType<import('./database.mjs').openDatabase>} database
 * @param {(problem: string, details: object) => void} log
 */
export function keeper(database, log) {
  /** @type {{ arrivals: object[], resolve: () => void, reject: (error: Error) => void }[]} */
  let waiting = [];

  function commit(group) {
    try {
      database.ingest(group.flatMap(({ arrivals }) => arrivals));
    } catch (error) {
      // One that cannot be kept must not hold up the others.
      if (group.length > 1) return group.forEach((one) => void commit([one]));
      log('not kept', { code: error.code, message: error.message });
      return group[0].reject(comeAgain(503, 'the database does not take it now', 5));
    }
    for (const { resolve } of group) resolve();
  }

  return {
    /** Settles when they are on the disk. */
    take: (arrivals) =>
      new Promise((resolve, reject) => {
        waiting.push({ arrivals, resolve, reject });
        if (waiting.length > 1) return;
        setImmediate(() => {
          const group = waiting;
          waiting = [];
          commit(group);
        });
      }),
    close: () => database.close(),
  };
}
