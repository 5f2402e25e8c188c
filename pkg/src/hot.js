// The way of an event into the WebAssembly. Most events look like one that came before: the same name,
// the same keys in the same order, numbers, booleans and checked texts. Such an event needs no call at
// all: the number of its shape, the time and the values are written into a staging buffer in the
// WebAssembly's memory, which is handed in before anything else is done there. All other events take
// the general path, a call with a copy of the object, and leave their shape behind if they have one.
//
// Why it is fast: a shape is found by walking a tree of (key, type) steps, in which each node points at
// the step that was taken last. So the walk compares, for each key, one pointer (keys of objects are
// interned) and one type, also where shapes alternate. Nothing is allocated here, though V8 itself boxes
// what it holds as a double, 12 to 16 bytes. JSON is written later, by Rust, for whole batches. The clock,
// which can cost more than all of this, is not read for every event of a burst (see `#now`).
//
// Why it is right: word 0 of the buffer counts the words in use. It is read first and written last, so
// a half-written event is never seen. If it is another number by then, or the buffer was detached by a
// growing memory, a getter has gone to the WebAssembly in between, and the event takes the general
// path with the values that were read already.
import { Kept } from './kept.js';
import { boolean, longestText, mostFields, Node, number, Shapes, text } from './shapes.js';
import { exposureSnapshot, snapshot, unreadable } from './snapshot.js';
import { textOf, verified } from './verified.js';

const words = 8_192;
const header = 2;
const fullest = words - header - mostFields;

/** So many readings of the clock in a row, and then each serves so many events. */
const burst = 16;
const sharers = 8;

const { isArray } = Array;
const resolved = Promise.resolve();
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @typedef {(client: import('#bindings').Client) => void} Call */

/** @type {Call} */
const wake = (client) => client.wake();

export class Hot {
  #shapes = new Shapes();
  #staging = new Float64Array(0);
  /** The same memory. */
  #bytes = new Uint8Array(0);

  /** The shape staged last, its time, how many readings in a row were steady, and how many may share. */
  #shape = Node.none;
  #at = 0;
  #steady = 0;
  #shares = 0;

  /** While code of the host's may run within a call: what it logs follows after. */
  #busy = false;
  #nested = new Kept();

  /**
   * @param {WebAssembly.Memory} memory
   * @param {object} host
   * @param {boolean} host.general whether every event takes the general path
   * @param {(call: Call) => void} host.run makes a call into the WebAssembly
   * @param {(call: Call) => void} host.runApart the same where nobody could catch misuse
   * @param {(call: Call) => void} host.runLater the same in a microtask
   * @param {(dropped: number) => void} host.tellDropped
   */
  constructor(memory, host) {
    this.memory = memory;
    this.host = host;
    this.wake = () => {
      this.#steady = 0;
      this.#shares = 0;
      host.runLater(wake);
    };
  }

  logEvent(/** @type {string} */ name, /** @type {any} */ metadata) {
    if (this.#busy) return this.#nested.logEvent(name, metadata);
    this.#busy = true;
    try {
      this.#stage(name, metadata);
    } finally {
      this.#busy = false;
    }
    if (this.#nested.calls.length > 0) this.#follow();
  }

  logExperiment(/** @type {any} */ exposure) {
    if (this.#busy) return this.#nested.logExperiment(exposure);
    this.#busy = true;
    try {
      const at = Date.now();
      const copy = exposureSnapshot(exposure);
      this.host.run((client) => client.logExperiment(copy, at));
    } finally {
      this.#busy = false;
    }
    if (this.#nested.calls.length > 0) this.#follow();
  }

  #stage(/** @type {string} */ name, /** @type {any} */ metadata) {
    const root = this.#shapes.find(name);
    if (root === undefined) return this.#general(name, metadata, undefined);

    let staging = this.#staging;
    if (!(staging[0] < fullest)) staging = this.#makeRoom();
    const start = staging[0] | 0;

    let node = root;
    let cursor = start + header;
    /** @type {string | undefined} */
    let reading;
    /** @type {unknown} */
    let value;
    try {
      if (metadata === undefined || holdsFields(metadata)) {
        let known = true;
        for (const key in metadata) {
          // Inherited keys are none of the event's. Within `for…in` V8 does this call for nothing, if it
          // is spelled like this; by a variable that holds the function it costs Node 6 ns a key.
          // biome-ignore lint/suspicious/noPrototypeBuiltins: see above
          if (!Object.prototype.hasOwnProperty.call(metadata, key)) continue;
          reading = key;
          value = unreadable;
          value = metadata[key];
          let kind = number;
          let end = cursor + 1;
          if (typeof value === 'number' && value - value === 0) {
            staging[cursor] = value;
          } else if (typeof value === 'boolean') {
            staging[cursor] = value ? 1 : 0;
            kind = boolean;
          } else if (value === undefined) {
            continue;
          } else {
            kind = text;
            end = this.#stageText(value, cursor);
          }
          /** @type {import('./shapes.js').Node | undefined} */
          let next = node.next;
          if (next.key !== key || next.kind !== kind) next = node.step(key, kind);
          if (next === undefined || end === 0) {
            known = false;
            break;
          }
          node = next;
          cursor = end;
        }
        if (known && node.shape >= 0) {
          const at = this.#now(node);
          // First, for it may throw, and then the event is not staged.
          if (start === 1) resolved.then(this.wake);
          if (staging[0] === start) {
            staging[start] = node.shape;
            staging[start + 1] = at;
            staging[0] = cursor;
            return;
          }
        }
      }
    } catch {
      // A getter or a proxy threw: the general path leaves out what could not be read.
    }
    const known = this.#known(node, start);
    if (known && reading !== undefined) noteSkipped(known, metadata, reading)[reading] = value;
    this.#general(name, metadata, known);
  }

  /**
   * The time of a call. A loop that logs would spend most of its time here, so its calls share readings,
   * under conditions that leave little to go wrong: within one task (a microtask ends it, at the latest),
   * after many readings that were all of one millisecond or the next, for events of one shape, a few
   * for each reading.
   */
  #now(/** @type {Node} */ shape) {
    const again = shape === this.#shape;
    if (again && this.#shares > 0) {
      this.#shares -= 1;
      return this.#at;
    }
    const at = Date.now();
    const steady = again && (at === this.#at || at === this.#at + 1);
    this.#steady = steady ? this.#steady + 1 : 0;
    this.#shares = this.#steady < burst ? 0 : sharers - 1;
    this.#shape = shape;
    this.#at = at;
    return at;
  }

  /** Writes a checked text: how many bytes it has, and these. Gives the word after it; 0: it is none. */
  #stageText(/** @type {any} */ proof, /** @type {number} */ cursor) {
    const checked = typeof proof === 'object' ? textOf(proof) : undefined;
    if (checked === undefined || checked.length > longestText) return 0;
    let size = checked.length;
    // The fields that may follow need room, too. No character has more than three bytes.
    if (cursor + size > fullest) return 0;
    const bytes = this.#bytes;
    const start = (cursor + 1) * 8;
    for (let index = 0; index < size; index += 1) {
      const code = checked.charCodeAt(index);
      if (code > 127) {
        size = encoder.encodeInto(checked, bytes.subarray(start)).written;
        break;
      }
      bytes[start + index] = code;
    }
    this.#staging[cursor] = size;
    return cursor + 1 + ((size + 7) >> 3);
  }

  /** @param {object | undefined} known what was read of the metadata already: no getter runs twice */
  #general(/** @type {string} */ name, /** @type {any} */ metadata, known) {
    const at = Date.now();
    if (this.host.general) {
      this.host.run((client) => client.logEvent(name, metadata, at));
      return;
    }
    const fields = snapshot(metadata, undefined, known);
    this.host.run((client) => {
      client.logEvent(name, fields, at);
      this.#shapes.learn(client, name, fields);
    });
  }

  #known(/** @type {import('./shapes.js').Node} */ last, /** @type {number} */ start) {
    // What was written into a detached buffer is gone.
    if (this.#staging.length === 0) return undefined;
    const path = [];
    for (let node = last; node.parent; node = node.parent) path.push(node);
    const known = /** @type {any} */ ({ __proto__: null });
    let cursor = start + header;
    for (const { key, kind } of path.reverse()) {
      const word = this.#staging[cursor];
      /** @type {any} */
      let value = word;
      if (kind === boolean) value = word === 1;
      if (kind === text) {
        const bytes = (cursor + 1) * 8;
        value = verified(decoder.decode(this.#bytes.slice(bytes, bytes + word)), false);
        cursor += (word + 7) >> 3;
      }
      known[/** @type {string} */ (key)] = value;
      cursor += 1;
    }
    return known;
  }

  /** Its memory is no more looked at: a call that is under way goes the general path. */
  retire() {
    this.#staging[0] = Number.NaN;
  }

  #makeRoom() {
    this.#view();
    if (!(this.#staging[0] < fullest)) {
      this.host.run(wake);
      this.#view();
    }
    return this.#staging;
  }

  #view() {
    if (this.#staging.length > 0) return;
    this.host.run((client) => {
      const address = client.staging();
      this.#staging = new Float64Array(this.memory.buffer, address, words);
      this.#bytes = new Uint8Array(this.memory.buffer, address, words * 8);
    });
  }

  #follow() {
    this.#busy = true;
    try {
      this.#nested.handOn(({ method, args, at }) => {
        this.host.runApart((client) => /** @type {any} */ (client)[method](...args, at));
      });
    } finally {
      this.#busy = false;
    }
    const { dropped } = this.#nested;
    this.#nested.dropped = 0;
    if (dropped > 0) this.host.tellDropped(dropped);
  }
}

/** What was undefined was read, too. */
function noteSkipped(
  /** @type {any} */ known,
  /** @type {any} */ metadata,
  /** @type {string} */ reading,
) {
  try {
    for (const key in metadata) {
      if (key === reading) break;
      if (!(key in known)) known[key] = undefined;
    }
  } catch {
    // A proxy that tells its keys no more.
  }
  return known;
}

function holdsFields(/** @type {unknown} */ metadata) {
  return typeof metadata === 'object' && metadata !== null && !isArray(metadata);
}
