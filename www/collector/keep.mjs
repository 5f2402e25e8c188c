import { comeAgain } from './http.mjs';

/** What the database says of itself, not of what it was given. */
const ITS_OWN = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CORRUPT|NOTADB)/;

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
      const alone = group.length === 1 || ITS_OWN.test(error.code);
      if (!alone) return group.forEach((one) => void commit([one]));
      log('not kept', { code: error.code, message: error.message });
      const refusal = comeAgain(503, 'the database does not take it now', 5);
      return group.forEach(({ reject }) => void reject(refusal));
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
