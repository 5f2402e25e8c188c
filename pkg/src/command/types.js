// `wasm-telemetry types events.json`: the TypeScript declaration of a program's events.
import { readFileSync } from 'node:fs';
import { Failure, Misuse, messageOf, understood } from './failure.js';

const usage = `Usage: wasm-telemetry types <file>

Prints the TypeScript declaration of the events that a JSON file declares, which is what
\`init({ events })\` takes:

  { "checkout": { "items": "number", "express": "boolean", "plan": "text" }, "app_opened": {} }

A field is a "number", a "boolean" or a "text", which only verified() makes. Every field may be left out.

  wasm-telemetry types events.json > events.d.ts

Options:
  -h, --help   shows this

Exit status: 0, or 1 if the file is no such declaration, or 2 if the command is not understood.`;

/** @type {Record<string, string>} */
const declared = { number: 'number', boolean: 'boolean', text: 'Verified' };
const mostName = 256;
const mostKey = 128;
const mostFields = 128;

export function types(/** @type {string[]} */ args) {
  const help = { type: /** @type {const} */ ('boolean'), short: 'h' };
  const { values, positionals } = understood(args, { help }, usage);
  if (values.help) return void console.log(usage);
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new Misuse('types takes one file', usage);
  console.log(declaration(read(file), file));
}

/** @returns {unknown} */
function read(/** @type {string} */ file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new Failure(1, `${file}: ${messageOf(error)}`);
  }
}

/**
 * @param {unknown} schema
 * @param {string} file
 */
function declaration(schema, file) {
  const events = entries(schema, '$', 'an object of events').map(([name, fields]) => {
    const path = `$${step(name)}`;
    check(isShort(name, mostName), path, `: a name has 1 to ${mostName} characters`);
    const all = entries(fields, path, 'an object of fields');
    check(all.length <= mostFields, path, `: an event has at most ${mostFields} fields`);
    const members = all.map(([key, type]) => {
      const place = path + step(key);
      check(isShort(key, mostKey), place, `: a key has 1 to ${mostKey} characters`);
      check(isType(type), place, ` must be "number", "boolean" or "text", not ${shown(type)}`);
      return `    ${property(key)}?: ${declared[String(type)]};\n`;
    });
    const body = members.length === 0 ? 'undefined' : `{\n${members.join('')}  }`;
    return { text: `  ${property(name)}: ${body};\n`, proves: body.includes(': Verified;') };
  });
  return [
    `// Written by \`wasm-telemetry types\`.\n`,
    events.some(({ proves }) => proves)
      ? "import type { Verified } from 'wasm-telemetry';\n\n"
      : "import 'wasm-telemetry';\n\n",
    `export type Events = {\n${events.map(({ text }) => text).join('')}};\n\n`,
    "declare module 'wasm-telemetry' {\n  interface Register {\n    events: Events;\n  }\n}",
  ].join('');

  /** @returns {[string, unknown][]} */
  function entries(
    /** @type {any} */ value,
    /** @type {string} */ path,
    /** @type {string} */ what,
  ) {
    const is = typeof value === 'object' && value !== null && !Array.isArray(value);
    check(is, path, ` must be ${what}, not ${shown(value)}`);
    return Object.entries(value);
  }

  function check(
    /** @type {boolean} */ holds,
    /** @type {string} */ path,
    /** @type {string} */ message,
  ) {
    if (!holds) throw new Failure(1, `${file}: ${path}${message}`);
  }
}

const isType = (/** @type {unknown} */ type) =>
  typeof type === 'string' && Object.hasOwn(declared, type);

const isShort = (/** @type {string} */ text, /** @type {number} */ most) =>
  text.length > 0 && text.length <= most;

const isIdentifier = (/** @type {string} */ text) => /^[A-Za-z_$][\w$]*$/.test(text);

const property = (/** @type {string} */ name) => (isIdentifier(name) ? name : JSON.stringify(name));

const step = (/** @type {string} */ name) =>
  isIdentifier(name) ? `.${name}` : `[${JSON.stringify(name)}]`;

const shown = (/** @type {unknown} */ value) => {
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
};
