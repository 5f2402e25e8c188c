// What a page that goes away leaves in `localStorage`, until it is known to be in IndexedDB. What is
// written there survives the end of the page's process, while a transaction may be given up with it,
// and no database need be open. The WebAssembly calls; if something throws here, there is no spool.

/** The host has its own things there: more than so many characters are not left by a page. */
const most = 2 ** 20;
const chunk = 8_192;

export class Spool {
  #start;
  /** @type {Map<string, number>} what is known to be there, and its length */
  #known = new Map();

  /** Calls of the host wait for the WebAssembly; batches wait for IndexedDB. */
  constructor(/** @type {string} */ service, /** @type {'batches' | 'calls'} */ kind) {
    this.service = service;
    this.#start = `wasm-telemetry:${kind}:${service}:`;
  }

  /**
   * Neither a key nor JSON has a line break.
   * @param {string} key
   * @param {object} meta
   * @param {Uint8Array} bytes
   */
  put(key, meta, bytes) {
    let text = `${JSON.stringify(meta)}\n`;
    for (let start = 0; start < bytes.length; start += chunk) {
      text += String.fromCharCode(...bytes.subarray(start, start + chunk));
    }
    this.write(key, text);
  }

  write(/** @type {string} */ key, /** @type {string} */ text) {
    let length = text.length;
    for (const [other, known] of this.#known) length += other === key ? 0 : known;
    if (length > most) throw new RangeError('the spool is full');
    localStorage.setItem(this.#start + key, text);
    this.#known.set(key, text.length);
  }

  /** @returns {[key: string, meta: object, bytes: Uint8Array][]} what pages left */
  records() {
    return this.keys().map((key) => {
      this.#known.set(key, 0);
      const [meta, bytes] = (this.read(key) ?? '').split(/\n(.*)/s);
      return [key, parsed(meta), Uint8Array.from(bytes ?? '', (c) => c.charCodeAt(0))];
    });
  }

  keys() {
    const start = this.#start;
    const own = (/** @type {string} */ name) =>
      name.startsWith(start) && !name.includes(':', start.length);
    return Object.keys(localStorage)
      .filter(own)
      .map((name) => name.slice(start.length));
  }

  /** @returns {string | null} what there was, and is no more */
  take(/** @type {string} */ key) {
    const text = this.read(key);
    localStorage.removeItem(this.#start + key);
    this.#known.delete(key);
    return text;
  }

  read(/** @type {string} */ key) {
    return localStorage.getItem(this.#start + key);
  }

  /** Removes what this page wrote or read. */
  forget(/** @type {string} */ key) {
    if (this.#known.delete(key)) localStorage.removeItem(this.#start + key);
  }

  /** When consent was denied in some window; 0 if it was not, or was granted since. */
  deniedAt() {
    try {
      return Number(localStorage.getItem(`wasm-telemetry:denied:${this.service}`));
    } catch {
      return 0;
    }
  }

  /** So that other windows hear of it at once, and the next page before it asks the database. */
  remember(/** @type {unknown} */ consent) {
    try {
      const name = `wasm-telemetry:denied:${this.service}`;
      if (consent === 'denied') localStorage.setItem(name, String(Date.now()));
      if (consent === 'granted') localStorage.removeItem(name);
    } catch {
      // The database remembers it, too.
    }
  }

  /** Removes everything of the service. */
  clear() {
    for (const kind of /** @type {const} */ (['batches', 'calls'])) {
      const spool = new Spool(this.service, kind);
      for (const key of spool.keys()) localStorage.removeItem(spool.#start + key);
    }
  }
}

function parsed(/** @type {string} */ text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
