// Gives what a module imports and exports names of one or two letters, in the module and in its bindings:
// wasm-bindgen's are long, hold hashes that nothing compresses, and no bundler may shorten them.
import { Reader, sections } from './wasm-sections.mjs';

const importSection = 2;
const exportSection = 7;
const functionKind = 0;

/** @typedef {Map<string, string>} Names from the long ones to the short ones */

/**
 * @param {Uint8Array} module
 * @param {string} bindings the text of its bindings
 * @param {string} release a module's name that one import is from, so that another release's does not fit
 */
export function shortened(module, bindings, release) {
  const used = new Set(Array.from(bindings.matchAll(/\bwasm\.(\w+)/g), ([, name]) => name));
  // What is looked up by its name.
  used.add('memory').add('__wbindgen_start');
  /** @type {Names} */
  const imported = new Map();
  /** @type {Names} */
  const exported = new Map();
  const parts = sections(module).map(({ id, start, body, end }) => {
    if (id === importSection)
      return section(id, renamedImports(new Reader(module, body), imported, release));
    if (id === exportSection) {
      return section(id, renamedExports(new Reader(module, body), used, exported));
    }
    return module.subarray(start, end);
  });
  return {
    module: Buffer.concat([module.subarray(0, 8), ...parts]),
    bindings: bindings.replace(/\bwasm\.(\w+)/g, (_, name) => `wasm.${exported.get(name) ?? name}`),
    imported,
    exported,
  };
}

/** All imports but the first get one module's name, too. */
function renamedImports(
  /** @type {Reader} */ reader,
  /** @type {Names} */ names,
  /** @type {string} */ release,
) {
  const items = Array.from({ length: reader.number() }, () => {
    reader.text();
    const name = reader.text();
    if (reader.byte() !== functionKind) throw new Error(`${name} is imported and no function`);
    const short = letters(names.size);
    names.set(name, short);
    const from = names.size === 1 ? release : 'w';
    return [text(from), text(short), [functionKind], number(reader.number())];
  });
  return [number(items.length), ...items.flat()];
}

/** What the bindings don't use is exported no more. */
function renamedExports(
  /** @type {Reader} */ reader,
  /** @type {Set<string>} */ used,
  /** @type {Names} */ names,
) {
  const items = [];
  for (let left = reader.number(); left > 0; left -= 1) {
    const name = reader.text();
    const kind = reader.byte();
    const index = reader.number();
    if (!used.has(name)) continue;
    const short = name === 'memory' ? name : letters(names.size);
    names.set(name, short);
    items.push([text(short), [kind], number(index)]);
  }
  return [number(items.length), ...items.flat()];
}

/** a, b, …, z, aa, ab, … */
function letters(/** @type {number} */ index) {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : String.fromCharCode(96 + Math.floor(index / 26)) + last;
}

function section(/** @type {number} */ id, /** @type {Iterable<number>[]} */ contents) {
  const body = contents.flatMap((part) => [...part]);
  return Uint8Array.from([id, ...number(body.length), ...body]);
}

function text(/** @type {string} */ value) {
  const bytes = Buffer.from(value);
  return [...number(bytes.length), ...bytes];
}

/** An unsigned LEB128. */
function number(/** @type {number} */ value) {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}
