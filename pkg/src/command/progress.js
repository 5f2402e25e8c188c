// How far it is: a line that changes on a terminal, and lines now and then elsewhere.

const betweenMillis = 2_000;

export class Progress {
  #stream;
  #shown = '';
  #shownAt = 0;

  constructor(/** @type {NodeJS.WriteStream} */ stream) {
    this.#stream = stream;
  }

  say(/** @type {string} */ text) {
    this.#stream.write(`${text}\n`);
    this.#shownAt = Date.now();
  }

  update(/** @type {string} */ text) {
    if (text === this.#shown) return;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[K${text}`);
    } else {
      if (Date.now() - this.#shownAt < betweenMillis) return;
      this.say(text);
    }
    this.#shown = text;
  }

  /** What comes begins a line of its own, where the changing one was. */
  end() {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[K');
  }
}
