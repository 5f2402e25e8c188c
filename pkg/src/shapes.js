// The shapes of events that were seen: a tree of (key, type) steps for each event name.

/** @typedef {import('#bindings').Client} Client */

/** The types of fields, as the WebAssembly numbers them. */
export const number = 0;
export const boolean = 1;

export const mostFields = 128;
const longestKey = 128;
const longestName = 256;
// A program whose names or keys never end must not fill the memory.
const mostNodes = 4_096;

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
  /** @type {Node | undefined} the step with the same key and the other type */
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
    if (node !== undefined && node.kind !== kind) node = node.twin;
    if (node !== undefined) this.next = node;
    return node;
  }

  add(/** @type {string} */ key, /** @type {number} */ kind) {
    const node = new Node(this, key, kind);
    this.steps ??= new Map();
    const twin = this.steps.get(key);
    if (twin) twin.twin = node;
    else this.steps.set(key, node);
    this.next = node;
    return node;
  }
}

export class Shapes {
  /** @type {Map<string, Node>} by event name */
  roots = new Map();
  #nodes = 0;

  /** Remembers the shape of an event, if it has one: nothing but numbers and booleans. */
  learn(/** @type {Client} */ client, /** @type {string} */ name, /** @type {any} */ fields) {
    if (typeof name !== 'string' || name === '' || name.length > longestName) return;
    // What is no snapshot of an object was refused.
    if (fields !== undefined && Object.getPrototypeOf(Object(fields)) !== null) return;
    const keys = [];
    const kinds = [];
    for (const key in fields) {
      const value = fields[key];
      if (value === undefined) continue;
      const isNumber = typeof value === 'number' && value - value === 0;
      if (!isNumber && typeof value !== 'boolean') return;
      if (key === '' || key.length > longestKey || keys.length === mostFields) return;
      keys.push(key);
      kinds.push(isNumber ? number : boolean);
    }
    if (this.#nodes + keys.length >= mostNodes) this.#forget();
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
    let node = this.roots.get(name) ?? this.#addRoot(name);
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
  }

  #addRoot(/** @type {string} */ name) {
    const root = new Node(undefined, undefined, number);
    this.roots.set(name, root);
    this.#nodes += 1;
    return root;
  }

  #forget() {
    this.roots.clear();
    this.#nodes = 0;
  }
}
