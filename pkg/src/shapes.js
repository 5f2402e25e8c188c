// The shapes of events that were seen: a tree of (key, type) steps for each event name.
import { textOf } from './verified.js';

/** @typedef {import('#bindings').Client} Client */

/** The types of fields, as the WebAssembly numbers them. */
export const number = 0;
export const boolean = 1;
export const text = 2;

export const mostFields = 128;
export const longestText = 1_024;
const longestKey = 128;
const longestName = 256;
// A program whose names or keys never end must not fill the memory: when so many are known, the others
// take the general path. After some of these all is forgotten, for the program is up to something else,
// and learning anew what it logs often costs little.
const mostNodes = 65_536;
const mostShapes = 4_095;
const patience = 1_000;

/** A step of a shape, and with it all shapes that begin with the steps up to here. */
export class Node {
  /** A step that no key takes. */
  static none = new Node(undefined, undefined, number);

  /** The shape that ends here; -1: none. */
  shape = -1;
  /** The step that was taken last. */
  next = Node.none;
  /** @type {Map<string, Node> | undefined} */
  steps = undefined;
  /** @type {Node | undefined} a step with the same key and another type */
  twin = undefined;

  /**
   * @param {Node | undefined} parent
   * @param {string | undefined} key
   * @param {number} kind
   */
  constructor(parent, key, kind) {
    this.parent = parent;
    this.key = key;
    this.kind = kind;
  }

  /** @returns {Node | undefined} */
  step(/** @type {string} */ key, /** @type {number} */ kind) {
    let node = this.steps?.get(key);
    while (node !== undefined && node.kind !== kind) node = node.twin;
    if (node !== undefined) this.next = node;
    return node;
  }

  add(/** @type {string} */ key, /** @type {number} */ kind) {
    const node = new Node(this, key, kind);
    this.steps ??= new Map();
    node.twin = this.steps.get(key);
    this.steps.set(key, node);
    this.next = node;
    return node;
  }
}

export class Shapes {
  /** @type {Map<string, Node>} by event name */
  #roots = new Map();
  #nodes = 0;
  #shapes = 0;
  /** Events that came when there was no room. */
  #strangers = 0;
  /** @type {string | undefined} the name that was asked for last */
  #name = undefined;
  /** @type {Node | undefined} */
  #root = undefined;

  /** Where the shapes of an event begin. */
  find(/** @type {string} */ name) {
    if (this.#root === undefined || name !== this.#name) {
      this.#root = this.#roots.get(name);
      this.#name = name;
    }
    return this.#root;
  }

  /** Remembers the shape of an event, if it has one: numbers, booleans and checked texts. */
  learn(/** @type {Client} */ client, /** @type {string} */ name, /** @type {any} */ fields) {
    if (typeof name !== 'string' || name === '' || name.length > longestName) return;
    // What is no snapshot of an object was refused.
    if (fields !== undefined && Object.getPrototypeOf(Object(fields)) !== null) return;
    if (this.#nodes >= mostNodes || this.#shapes >= mostShapes) {
      this.#strangers += 1;
      if (this.#strangers < patience) return;
      this.#forget();
    }
    const keys = [];
    const kinds = [];
    for (const key in fields) {
      const value = fields[key];
      if (value === undefined) continue;
      const kind = kindOf(value);
      if (kind === undefined) return;
      if (key === '' || key.length > longestKey || keys.length === mostFields) return;
      keys.push(key);
      kinds.push(kind);
    }
    const shape = client.shape(name, fields);
    // All shapes were forgotten there, too.
    if (shape === -2) this.#forget();
    if (shape >= 0) this.#remember(name, keys, kinds, shape);
  }

  /**
   * @param {string} name
   * @param {string[]} keys
   * @param {number[]} kinds
   * @param {number} shape
   */
  #remember(name, keys, kinds, shape) {
    let node = this.#roots.get(name) ?? this.#addRoot(name);
    for (const [index, key] of keys.entries()) {
      /** @type {Node | undefined} */
      let next = node.step(key, kinds[index]);
      if (next === undefined) {
        next = node.add(key, kinds[index]);
        this.#nodes += 1;
      }
      node = next;
    }
    node.shape = shape;
    this.#shapes += 1;
  }

  #addRoot(/** @type {string} */ name) {
    const root = new Node(undefined, undefined, number);
    this.#roots.set(name, root);
    this.#nodes += 1;
    return root;
  }

  #forget() {
    this.#roots.clear();
    this.#root = undefined;
    this.#nodes = 0;
    this.#shapes = 0;
    this.#strangers = 0;
  }
}

/** @returns {number | undefined} none if it can't be staged */
function kindOf(/** @type {any} */ value) {
  if (typeof value === 'number' && value - value === 0) return number;
  if (typeof value === 'boolean') return boolean;
  return typeof value === 'object' && (textOf(value)?.length ?? Infinity) <= longestText
    ? text
    : undefined;
}
