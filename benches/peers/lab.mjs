// What a goal works with: sides that are open in one place, and the endpoint that they send to.
import { fileURLToPath } from 'node:url';
import { eventName } from './inside/events.js';
import { scripts } from './places.mjs';
import { spawn } from './remote.mjs';

const file = fileURLToPath(new URL('collector.mjs', import.meta.url));

export async function startCollector() {
  const { first, ask, close } = await spawn(file, [scripts]);
  return { origin: `http://127.0.0.1:${first.port}`, ask, close };
}

/** As every side is set up where it can be. */
const usual = { batch: 200, queue: 10_000, delayMillis: 60_000 };

export class Lab {
  /** @type {{ close: () => Promise<void> }[]} */
  #open = [];

  constructor(collector, place, { quick }) {
    this.collector = collector;
    this.place = place;
    this.quick = quick;
  }

  /** The sides that can be measured here and that start; those that do not are told of, and left out. */
  async open(sides, options = {}) {
    const opened = [];
    for (const side of sides) {
      if (side.where && side.where !== this.place.key) continue;
      try {
        opened.push([side, await this.start(side, options)]);
      } catch (error) {
        this.leaveOut(side, error);
      }
    }
    return opened;
  }

  async start(side, options = {}) {
    const subject = await this.place.open(side);
    this.#open.push(subject);
    await this.endpoint(side, { mode: 'ok', reset: true });
    await subject.start({ ...this.options(side), ...options });
    return subject;
  }

  options({ key, gzip }) {
    return { ...usual, url: `${this.collector.origin}/${key}`, gzip };
  }

  leaveOut({ name }, error) {
    console.log(`\n${name} is left out here: ${error.message.split('\n')[0]}\n`);
  }

  /** Sets what a side's endpoint does. */
  endpoint({ key }, change) {
    return this.collector.ask({ side: key, ...change });
  }

  /** What arrived of a side since the last time, once `wanted` events did or nothing more comes. */
  async arrived({ key, marker = eventName }, wanted) {
    let last = -1;
    for (;;) {
      const got = await this.collector.ask({ side: key, count: marker });
      const done = got.events >= wanted || got.events === last;
      if (done) await this.collector.ask({ side: key, reset: true });
      if (done) return got;
      last = got.events;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }

  async close() {
    for (const subject of this.#open.splice(0)) await subject.close();
  }
}
