// What can be told of a stored record, and why it is still there. A record's name says how long it is leased and
// how often it was refused; who holds it, and when a process wants to try again, no store knows.
import { plural, span, time } from './words.js';

/** @typedef {import('../decoder.js').Decoder} Decoder */

/**
 * @typedef {object} Stored
 * @property {string} file
 * @property {string} batchId
 * @property {string} [clientId] the start of a program that began the batch
 * @property {number} [seq]
 * @property {number} events
 * @property {boolean} [exposure]
 * @property {Record<string, number>} [dropped]
 * @property {number} bytes
 * @property {string} createdAt
 * @property {number} attempts answers that refused it for now
 * @property {State} state
 * @property {string} why
 * @property {string} [leasedUntil]
 * @property {string} [problem]
 */

/** @typedef {'new' | 'refused' | 'lapsed' | 'copy' | 'taken' | 'broken'} State */

/** By default; what the program says is not in the store. */
export const defaults = { maxStoreBytes: 52_428_800, maxStoreAgeMillis: 604_800_000 };

/** A record is renamed right after it was written, and again when somebody takes it. */
const sameMomentMillis = 20;

const problems = {
  unknown: 'it is no record that this release reads: of another one, or cut off at its beginning',
  checksum: 'its checksum is wrong: torn when the machine ended, or changed since',
  contents: 'its checksum is right and its contents are not: please report it',
  // It is split before it is sent.
  too_large: undefined,
};

const byItself = 'If its process has died, the lease runs out by itself.';

export const names = {
  new: 'waiting',
  refused: 'waiting, refused',
  lapsed: 'waiting, lease over',
  copy: 'held, a copy',
  taken: 'held',
  broken: 'BROKEN',
};

/** What each state means. */
export const meanings = {
  new: 'Nobody holds it, and no answer has refused it: it was left by a process that ended, or the endpoint could not be reached. The next process that opens this folder sends it.',
  refused:
    'Nobody holds it; the endpoint refused it for now. The process that got the answer knows when to try again (backoff, Retry-After), the store does not. Another one that opens this folder tries at once.',
  lapsed:
    'Nobody holds it any more: the process that did was killed, or stood still, and its lease ran out. The next process that opens this folder sends it.',
  copy: `A process has the same in memory (write-ahead, or it was on its way at a signal), and removes the copy when the endpoint has answered. ${byItself}`,
  taken: `A process took it, to send it. ${byItself}`,
  broken:
    'It cannot be read. The next process that tries to send it sets it aside, and counts its events as dropped (corrupt).',
};

/**
 * @param {import('./folder.js').StoredFile} found
 * @param {Decoder} decoder
 * @param {boolean} [whole] whether to read all of it
 * @returns {{ said?: import('../decoder.js').Description, problem?: string }} no problem if it is sound
 */
export function read({ bytes, unreadable }, decoder, whole) {
  if (!bytes) return { problem: `it cannot be read: ${unreadable}` };
  const said = decoder.describe(bytes);
  if ('problem' in said) return { problem: problems[said.problem] };
  const body = whole ? decoder.body(bytes, 1, 0) : said;
  return { said, problem: 'problem' in body ? problems[body.problem] : undefined };
}

/**
 * @param {import('./folder.js').StoredFile} found
 * @param {Decoder} decoder
 * @param {number} now
 * @param {boolean} [whole] whether to read all of it
 * @returns {Stored}
 */
export function told(found, decoder, now, whole) {
  const { file, entry } = found;
  const { key, lease, attempts } = entry;
  const { said, problem } = read(found, decoder, whole);
  const fate = stateOf(found, decoder, now);
  return {
    file,
    // The batch's own id, unless it had to move to another key.
    batchId: key.slice(13),
    events: entry.events,
    ...said,
    bytes: entry.bytes,
    createdAt: time(createdAt(key)),
    attempts,
    state: problem ? 'broken' : fate,
    why: problem ?? whyOf(found, fate, now),
    ...(lease > 0 && { leasedUntil: time(lease) }),
    ...(problem && { problem }),
  };
}

export const createdAt = (/** @type {string} */ key) => Number.parseInt(key.slice(0, 12), 16);

/** @returns {Exclude<State, 'broken'>} */
function stateOf(
  /** @type {import('./folder.js').StoredFile} */ { entry, writtenAt, renamedAt },
  /** @type {Decoder} */ decoder,
  /** @type {number} */ now,
) {
  const { lease, attempts } = entry;
  if (!decoder.isFree(lease, now)) {
    return renamedAt - writtenAt < sameMomentMillis ? 'copy' : 'taken';
  }
  if (lease > 0) return 'lapsed';
  return attempts > 0 ? 'refused' : 'new';
}

/** @returns {string} with its own times and numbers */
function whyOf(
  /** @type {import('./folder.js').StoredFile} */ { entry, renamedAt },
  /** @type {Exclude<State, 'broken'>} */ state,
  /** @type {number} */ now,
) {
  const { key, lease, attempts } = entry;
  const until = `until ${time(lease)}, ${span(lease - now)} from now`;
  const refused = `refused for now by ${plural(attempts, 'answer')}`;
  const reasons = {
    new: 'nobody holds it, and no answer has refused it',
    refused: `nobody holds it; ${refused}`,
    lapsed:
      lease > now
        ? `its lease ends at ${time(lease)}: no lease is that long, a clock was wrong, and it counts as over`
        : `the lease of whoever held it ran out at ${time(lease)}`,
    copy: `a process has it in memory, too, and holds it ${until}`,
    taken: `a process took it at ${time(renamedAt)} and holds it ${until}`,
  };
  const old =
    now - createdAt(key) > defaults.maxStoreAgeMillis
      ? '; older than 7 days, so that a process with the default maxStoreAgeMillis drops it'
      : '';
  const before = attempts > 0 && state !== 'refused' ? `; ${refused}` : '';
  return reasons[state] + before + old;
}

export const isHeld = (/** @type {Stored} */ { state }) => state === 'copy' || state === 'taken';

/** @returns {string} its state in a few letters, with what is left of a lease */
export function label(
  /** @type {Stored} */ { state, leasedUntil = '' },
  /** @type {number} */ now,
) {
  return names[state].replace('held', `held ${span(Date.parse(leasedUntil) - now)}`);
}
