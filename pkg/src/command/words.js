// Numbers, times and texts as people read them.

export const count = (/** @type {number} */ number) => number.toLocaleString('en');

/** @returns {string} `1 event`, `2 events` */
export const plural = (/** @type {number} */ number, /** @type {string} */ what) =>
  `${count(number)} ${what}${number === 1 ? '' : what.endsWith('ch') ? 'es' : 's'}`;

export function size(/** @type {number} */ bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let amount = bytes / 1024;
  while (amount >= 999.5 && units.length > 1) {
    amount /= 1024;
    units.shift();
  }
  return `${amount.toFixed(amount < 9.95 ? 1 : 0)} ${units[0]}`;
}

/** @returns {string} a length of time, in its largest unit */
export function span(/** @type {number} */ millis) {
  const seconds = Math.max(Math.round(millis / 1000), 0);
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** @returns {string} in UTC; a clock may have been anywhere */
export function time(/** @type {number} */ millis) {
  return Math.abs(millis) <= 8.64e15 ? new Date(millis).toISOString() : 'no time';
}

/** Names and messages are others', and a terminal obeys some characters. */
export const printable = (/** @type {string} */ text) =>
  text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Breaks a text into lines. */
export function wrapped(/** @type {string} */ text, indent = '', width = 80) {
  /** @type {string[]} */
  const lines = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines.join('\n');
}

const codes = { bold: 1, red: 31, yellow: 33, dim: 2 };

/** @returns {string} the same where there are no colours */
export function coloured(/** @type {keyof typeof codes} */ colour, /** @type {string} */ text) {
  const wanted = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  return wanted ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}
