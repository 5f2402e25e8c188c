// What a store holds, looked at once; and how it is printed.
import { createdAt, defaults, isHeld, label, meanings, names, read, told } from './record.js';
import { coloured, count, plural, printable, size, span, time, wrapped } from './words.js';

/** @typedef {import('./folder.js').Folder} Folder */
/** @typedef {import('./record.js').Stored} Stored */

/**
 * @typedef {object} Overview
 * @property {string} directory
 * @property {string} at when it was looked at
 * @property {string} [deniedAt] when consent was denied
 * @property {number} endpoints how many endpoints are remembered for having answered a page well
 * @property {{ records: number, events: number, bytes: number, broken: number, oldest?: string }} totals
 * @property {Stored[]} records the oldest first
 * @property {{ file: string, events: number, bytes: number, problem: string }[]} setAside
 * @property {import('./folder.js').OtherFile[]} others
 */

/**
 * @param {Folder} folder
 * @param {import('../decoder.js').Decoder} decoder
 * @param {{ now: number, whole: boolean }} how
 * @returns {Overview}
 */
export function overview(folder, decoder, { now, whole }) {
  /** @type {Stored[]} */
  const records = [];
  let endpoints = 0;
  /** @type {string | undefined} */
  let deniedAt;
  for (const found of folder.records()) {
    const { key, lease } = found.entry;
    // A key with the time 0 is no batch's: what the processes tell each other.
    if (decoder.isDenial(key)) deniedAt = time(lease);
    else if (createdAt(key) === 0) endpoints += 1;
    else records.push(told(found, decoder, now, whole));
  }
  const sum = (/** @type {'events' | 'bytes'} */ what) =>
    records.reduce((total, record) => total + record[what], 0);
  return {
    directory: folder.path,
    at: time(now),
    ...(deniedAt && { deniedAt }),
    endpoints,
    totals: {
      records: records.length,
      events: sum('events'),
      bytes: sum('bytes'),
      broken: records.filter(({ state }) => state === 'broken').length,
      oldest: records[0]?.createdAt,
    },
    records,
    setAside: Array.from(folder.setAside(), (found) => ({
      file: found.file,
      events: found.entry.events,
      bytes: found.entry.bytes,
      problem: read(found, decoder, true).problem ?? 'it is sound now: it could not be read then',
    })),
    others: folder.others(),
  };
}

export const isSound = (/** @type {Overview} */ { totals, setAside }) =>
  totals.broken === 0 && setAside.length === 0;

/** @returns {string} */
export function printed(/** @type {Overview} */ seen, verified = false) {
  const now = Date.parse(seen.at);
  const parts = [coloured('bold', printable(seen.directory)), totals(seen, now)];
  if (seen.deniedAt) {
    parts.push(
      wrapped(
        `Consent was denied at ${seen.deniedAt}: who opens this folder logs, stores and sends nothing until its own program says otherwise.`,
      ),
    );
  }
  if (seen.endpoints > 0) {
    parts.push(
      wrapped(`Remembered: ${plural(seen.endpoints, 'endpoint')} that last answered well.`),
    );
  }
  if (seen.records.length > 0) parts.push(table(seen.records, now), legend(seen.records));
  const { setAside, others } = seen;
  if (setAside.length > 0) {
    const files = setAside.map(({ file, events, bytes, problem }) =>
      listed(file, `${plural(events, 'event')}, ${size(bytes)}: ${problem}`),
    );
    const title = 'Set aside, for it could not be read; its events were counted as dropped.';
    parts.push(
      [wrapped(`${title} It is never sent. Remove it when you have looked.`), ...files].join('\n'),
    );
  }
  if (others.length > 0) {
    const files = others.map(({ file, bytes, why }) => listed(file, `${size(bytes)}: ${why}`));
    parts.push(['Other files:', ...files].join('\n'));
  }
  if (verified) parts.push(verdict(seen));
  return parts.join('\n\n');
}

function totals(/** @type {Overview} */ { totals, records }, /** @type {number} */ now) {
  if (records.length === 0) return 'Nothing is stored.';
  const { events, bytes, oldest = '' } = totals;
  const most = size(defaults.maxStoreBytes);
  return wrapped(
    `${plural(events, 'event')} in ${plural(records.length, 'batch')}, ${size(bytes)} of ${most} (the default maxStoreBytes); the oldest is of ${oldest}, ${span(now - Date.parse(oldest))} ago.`,
  );
}

/** In 80 columns. */
function table(/** @type {Stored[]} */ records, /** @type {number} */ now) {
  const line = (
    /** @type {(string | number)[]} */ [batch, client, seq, events, bytes, age, tries, state],
  ) =>
    [
      String(batch).padEnd(8),
      String(client).padEnd(8),
      String(seq).padStart(6),
      String(events).padStart(6),
      String(bytes).padStart(8),
      String(age).padStart(4),
      String(tries).padStart(7),
      state,
    ].join('  ');
  const head = line(['BATCH', 'CLIENT', 'SEQ', 'EVENTS', 'SIZE', 'AGE', 'REFUSED', 'STATE']);
  const rows = records.map((record) => {
    const {
      batchId,
      clientId = '?',
      seq = '?',
      events,
      bytes,
      createdAt,
      attempts,
      state,
    } = record;
    const age = span(now - Date.parse(createdAt));
    const cells = [batchId.slice(0, 8), clientId.slice(0, 8), seq, events, size(bytes), age];
    const text = line([...cells, attempts, label(record, now)]);
    if (state === 'broken') return coloured('red', text);
    return isHeld(record) ? coloured('yellow', text) : text;
  });
  return [coloured('dim', head), ...rows].join('\n');
}

/** What the states mean that are there. */
function legend(/** @type {Stored[]} */ records) {
  const present = new Set(records.map(({ state }) => state));
  const lines = Array.from(present, (state) =>
    wrapped(`${names[state]}: ${meanings[state]}`, '  ').slice(2),
  );
  return [...lines, 'Why one is there: --batch BATCH'].join('\n');
}

function listed(/** @type {string} */ file, /** @type {string} */ text) {
  return `  ${printable(file)}\n${wrapped(text, '    ')}`;
}

function verdict(/** @type {Overview} */ seen) {
  const { records, broken } = seen.totals;
  const sound = `${count(records - broken)} of ${plural(records, 'record')} sound`;
  const aside = seen.setAside.length > 0 ? `, ${count(seen.setAside.length)} set aside` : '';
  const text = `Verified, every byte of it: ${sound}${aside}.`;
  return isSound(seen) ? text : coloured('red', text);
}
