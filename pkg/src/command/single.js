// One batch or one event of a store, and why it is there.

import { Failure } from './failure.js';
import { createdAt, meanings, told } from './record.js';
import { plural, printable, size, span, wrapped } from './words.js';

/** @typedef {import('./folder.js').Folder} Folder */
/** @typedef {import('./folder.js').StoredFile} StoredFile */
/** @typedef {import('../decoder.js').Decoder} Decoder */
/** @typedef {import('../decoder.js').Body} Body */
/** @typedef {import('./record.js').Stored} Stored */

/** @returns {Generator<StoredFile>} without what the processes tell each other by keys of the time 0 */
export function* batches(/** @type {Folder} */ folder) {
  for (const found of folder.records()) {
    if (createdAt(found.entry.key) > 0) yield found;
  }
}

/** @returns {Body | undefined} nothing if it cannot be had */
export function bodyOf(
  /** @type {StoredFile} */ { bytes, entry },
  /** @type {Decoder} */ decoder,
  /** @type {number} */ now,
) {
  const body = bytes && decoder.body(bytes, entry.attempts + 1, now);
  return body && !('problem' in body) ? body : undefined;
}

/**
 * @param {Folder} folder
 * @param {Decoder} decoder
 * @param {{ batch?: string, event?: string }} id the beginning of one
 * @param {number} now
 * @returns {{ stored: Stored, body?: Body, event?: Record<string, any> }}
 */
export function single(folder, decoder, { batch = '', event }, now) {
  const matches = [];
  for (const found of batches(folder)) {
    const stored = told(found, decoder, now, event === undefined);
    if (!stored.batchId.startsWith(batch)) continue;
    const body = bodyOf(found, decoder, now);
    if (event === undefined) matches.push({ stored, body });
    for (const each of body?.events ?? []) {
      if (event !== undefined && each.event_id.startsWith(event)) {
        matches.push({ stored, body, event: each });
      }
    }
  }
  const [what, id] = event === undefined ? ['batch', batch] : ['event', event];
  const where = `--${what} ${id}: in ${folder.path}`;
  if (matches.length === 0) {
    throw new Failure(
      1,
      `${where} there is none (any more): it was sent or dropped, or is elsewhere`,
    );
  }
  if (matches.length > 1) {
    throw new Failure(2, `${where} there are ${matches.length} that begin so; give more of the id`);
  }
  return matches[0];
}

/** @returns {string} */
export function explained(
  /** @type {ReturnType<typeof single>} */ { stored, body, event },
  /** @type {number} */ now,
) {
  const { batchId, clientId, seq, events, bytes, createdAt, attempts, state, file, dropped } =
    stored;
  const age = span(now - Date.parse(createdAt));
  /** @type {[string, string | undefined][]} */
  const rows = [
    ['batch', batchId],
    ['client', clientId && `${clientId}, its batch number ${seq}`],
    ['events', `${events}, ${size(bytes)}${body ? `: ${namesOf(body)}` : ''}`],
    ['begun', `${createdAt}, ${age} ago`],
    ['resource', body && JSON.stringify(body.resource)],
    ['reports', dropped && reportOf(dropped)],
    ['refused', attempts > 0 ? plural(attempts, 'time') : 'never'],
    ['file', file],
    ['why', stored.why],
  ];
  const lines = rows.flatMap(([name, text]) =>
    text === undefined
      ? []
      : [name.padEnd(10) + wrapped(printable(text), ' '.repeat(10)).trimStart()],
  );
  const parts = [lines.join('\n'), wrapped(meanings[state])];
  if (event)
    parts.unshift(printable(JSON.stringify(event, undefined, 1)).replaceAll('\\u000a', '\n'));
  return parts.join('\n\n');
}

/** @returns {string} each name with how many there are, the most frequent first */
function namesOf(/** @type {Body} */ { events }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { event_name, event_type } of events) {
    const name = event_name ?? event_type;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  return sorted.map(([name, count]) => `${name} (${count})`).join(', ');
}

function reportOf(/** @type {Record<string, number>} */ dropped) {
  const reasons = Object.entries(dropped).map(([reason, events]) => `${reason}: ${events}`);
  return reasons.length > 0 ? `dropped before: ${reasons.join(', ')}` : undefined;
}
