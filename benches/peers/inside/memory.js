// What is kept in memory.
import { eventName, scenarios } from './events.js';
import { collect, used } from './heap.js';

const { fields } = scenarios['8 fields'];

/** Logs and sends a few, so that what is loaded or compiled at first use is there. */
export async function warmUp(side) {
  for (let n = 0; n < 200; n += 1) side.log(eventName, fields(n));
  await side.flush();
}

/** Bytes for each event that waits: on the JavaScript heap, and in the WebAssembly's memory. */
export async function held(side, { count }) {
  const other = () => side.memoryBytes?.() ?? 0;
  const log = async () => {
    for (let n = 0; n < count; n += 1) {
      side.log(eventName, fields(n));
      if (n % 500 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await collect();
  };
  // Memory that was there already would hide the first ones.
  await log();
  const [before, otherBefore] = [used(), other()];
  await log();
  const [heap, wasm] = [used() - before, other() - otherBefore];
  return { heap: heap / count, wasm: wasm / count, all: (heap + wasm) / count };
}

/**
 * Memory over millions of events, a twentieth of them in outages: samples in bytes, each when all before
 * were delivered. Requests are answered in this process.
 */
export async function flat(side, { millions }) {
  const { fetch } = globalThis;
  let status = 200;
  globalThis.fetch = async () => new Response(null, { status });
  const perSample = 500_000;
  const samples = [];
  for (let done = 0; done < millions * 1e6; done += perSample) {
    for (let n = 0; n < perSample; n += 1) {
      if (n % 200 === 0) {
        status = n < perSample / 20 ? 503 : 200;
        await new Promise((resolve) => setImmediate(resolve));
      }
      side.log(eventName, fields(n));
    }
    while (side.ledger().delivered < done + perSample) await side.flush();
    await collect();
    const { rss } = process.memoryUsage();
    samples.push({ events: done + perSample, heap: used(), wasm: side.memoryBytes(), rss });
  }
  globalThis.fetch = fetch;
  return samples;
}
