// The endpoint is killed in the middle of load and started again: what was answered with 200 is there.
import { join } from 'node:path';
import Database from 'libsql';
import { startEndpoint } from '../../tests/support/endpoint.mjs';
import { drive } from './drive.mjs';

export const UNLIMITED = ['client', 'address'].flatMap((who) =>
  ['requests', 'events', 'bytes'].flatMap((what) => [`--${who}-${what}`, '0']),
);

/**
 * @param {import('../../tests/support/server.mjs').Scope} t
 * @param {string} folder
 * @param {Parameters<typeof drive>[1]} requests uncompressed, in the `json` format
 * @param {number} kills
 */
export async function killedUnderLoad(t, folder, requests, kills) {
  const file = join(folder, 'killed.db');
  let endpoint = await startEndpoint(t, ['--db', file, ...UNLIMITED]);
  const { address, port } = endpoint;
  const ids = requests.map(({ bytes }) => JSON.parse(String(bytes)).batch.id);
  /** @type {string[]} */
  const answered = [];
  let lost = 0;
  let killed = 0;
  /** @type {Promise<void>} */
  let restarted = Promise.resolve();

  async function restart() {
    // At once and without a word: requests are read, waiting for the disk, or being answered.
    endpoint.signal('SIGKILL');
    await endpoint.ended;
    const before = [...answered];
    const kept = new Set(read(file, 'SELECT batch_id FROM batches').flat());
    lost += before.filter((id) => !kept.has(id)).length;
    endpoint = await startEndpoint(t, ['--db', file, ...UNLIMITED, '--port', port]);
  }

  const { repeated } = await drive(address, requests, {
    connections: 8,
    taken(index) {
      answered.push(ids[index]);
      if (answered.length < ((killed + 1) * requests.length) / (kills + 1) || killed === kills)
        return;
      killed += 1;
      restarted = restarted.then(restart);
    },
  });
  await restarted;
  await endpoint.stop('SIGTERM');
  const [[events, duplicates]] = read(
    file,
    'SELECT (SELECT count(*) FROM events), (SELECT sum(duplicates) FROM batches)',
  );
  return { killed, answered: answered.length, repeated, lost, events, duplicates };
}

/** @returns {any[][]} */
function read(/** @type {string} */ file, /** @type {string} */ sql) {
  const db = new Database(file);
  try {
    return db.prepare(sql).raw().all();
  } finally {
    db.close();
  }
}
