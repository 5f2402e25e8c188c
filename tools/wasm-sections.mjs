// Reads a WebAssembly module as far as its size is concerned.

/**
 * @typedef {object} Section
 * @property {number} id
 * @property {string} [name] of a custom section
 * @property {number} start where the section begins, its head included
 * @property {number} body where its contents begin, after a custom section's name
 * @property {number} end
 */

/**
 * @typedef {object} Body a function's code
 * @property {string} name
 * @property {number} start
 * @property {number} end
 */

const custom = 0;
const imports = 2;
const code = 10;
const names = 'name';
const functionNames = 1;
const functionKind = 0;

/** @returns {Section[]} */
export function sections(/** @type {Uint8Array} */ module) {
  const found = [];
  const reader = new Reader(module, 8);
  while (reader.at < module.length) {
    const start = reader.at;
    const id = reader.byte();
    const end = reader.number() + reader.at;
    const name = id === custom ? reader.text() : undefined;
    found.push({ id, name, start, body: reader.at, end });
    reader.at = end;
  }
  return found;
}

/** The module without names and other notes, none of which is needed to run it. */
export function stripped(/** @type {Uint8Array} */ module) {
  const kept = sections(module).filter(({ id }) => id !== custom);
  return Buffer.concat([
    module.subarray(0, 8),
    ...kept.map(({ start, end }) => module.subarray(start, end)),
  ]);
}

/** @returns {Body[]} every function of the module, by the names in its `name` section */
export function bodies(/** @type {Uint8Array} */ module) {
  const all = sections(module);
  const known = readNames(module, all);
  const section = all.find(({ id }) => id === code);
  if (!section) return [];
  const first = importedFunctions(module, all);
  const reader = new Reader(module, section.body);
  return Array.from({ length: reader.number() }, (_, index) => {
    const start = reader.at;
    const end = reader.number() + reader.at;
    reader.at = end;
    return { name: known.get(first + index) ?? `function ${first + index}`, start, end };
  });
}

/** The module with other names of its functions. */
export function renamed(
  /** @type {Uint8Array} */ module,
  /** @type {(name: string) => string} */ rename,
) {
  const all = sections(module);
  const known = [...readNames(module, all)];
  const entries = known.flatMap(([index, name]) => [...number(index), ...text(rename(name))]);
  const list = [...number(known.length), ...entries];
  const body = [...text(names), functionNames, ...number(list.length), ...list];
  return Buffer.concat([
    module.subarray(0, 8),
    ...all
      .filter(({ name }) => name !== names)
      .map(({ start, end }) => module.subarray(start, end)),
    Buffer.from([custom, ...number(body.length), ...body]),
  ]);
}

/** As an unsigned LEB128. */
function number(/** @type {number} */ value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

function text(/** @type {string} */ text) {
  const bytes = Buffer.from(text);
  return [...number(bytes.length), ...bytes];
}

function readNames(/** @type {Uint8Array} */ module, /** @type {Section[]} */ all) {
  /** @type {Map<number, string>} */
  const known = new Map();
  const section = all.find(({ name }) => name === names);
  if (!section) return known;
  const reader = new Reader(module, section.body);
  while (reader.at < section.end) {
    const kind = reader.byte();
    const end = reader.number() + reader.at;
    if (kind === functionNames) {
      for (let left = reader.number(); left > 0; left -= 1)
        known.set(reader.number(), reader.text());
    }
    reader.at = end;
  }
  return known;
}

/** They come first in the numbering of functions. */
function importedFunctions(/** @type {Uint8Array} */ module, /** @type {Section[]} */ all) {
  const section = all.find(({ id }) => id === imports);
  if (!section) return 0;
  const reader = new Reader(module, section.body);
  let functions = 0;
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.text();
    const field = reader.text();
    if (reader.byte() !== functionKind) throw new Error(`${field} is imported and no function`);
    reader.number();
    functions += 1;
  }
  return functions;
}

/** Reads what sections hold. */
export class Reader {
  constructor(/** @type {Uint8Array} */ bytes, /** @type {number} */ at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Error('the module ends too early');
    this.at += 1;
    return byte;
  }

  /** An unsigned LEB128. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString();
  }
}
