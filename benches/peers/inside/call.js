// What the caller waits for.
import { median, medians } from '../statistics.mjs';
import { eventName, scenarios } from './events.js';
import { collect, usedHeap } from './heap.js';
import { asIs, logAll, makeAll, stringifyAll } from './loops.js';

// Short, so that most are over before the machine does something else.
const jsonBurst = 1_000;

/** Nanoseconds for each event, beside `JSON.stringify` of the same metadata in the same moment. */
export async function call(side, { scenario: wanted, slices, burst }) {
  const { name = () => eventName, fields } = scenarios[wanted];
  const scenario = { name, fields, verified: side.verified ?? asIs };
  const rounds = [];
  let length = 0;
  for (let slice = 0; slice < slices; slice += 1) {
    const first = slice * jsonBurst;
    const start = performance.now();
    logAll(side, scenario, first, first + burst);
    // What a side does in microtasks, the caller waits for.
    await undefined;
    const logged = performance.now();
    length += stringifyAll(scenario, first, first + jsonBurst);
    const written = performance.now();
    makeAll(scenario, first, first + jsonBurst);
    const end = performance.now();
    await side.flush();
    const make = (end - written) / jsonBurst;
    const call = (logged - start) / burst - make;
    const json = (written - logged) / jsonBurst - make;
    rounds.push({ call: call * 1e6, json: json * 1e6, ratio: call / json });
  }
  return { ...medians(rounds), length };
}

/** The clock alone, which every side reads. */
export function clock() {
  const rounds = [];
  let sum = 0;
  for (let round = 0; round < 101; round += 1) {
    const start = performance.now();
    for (let n = 0; n < 10_000; n += 1) sum += Date.now();
    rounds.push((performance.now() - start) * 100);
  }
  return { nanoseconds: median(rounds), sum };
}

/**
 * Bytes on the JavaScript heap. `garbage`: for each call, what it leaves until a collection, the queue
 * included where that is on the heap. `grown`: after `calls`, all sent in between, when all is collected.
 */
export async function heap(side, { calls, burst }) {
  const fields = scenarios['8 fields'].fields(1);
  const many = async (wanted) => {
    const left = [];
    for (let done = 0; done < wanted; done += burst) {
      const before = usedHeap();
      for (let n = 0; n < burst; n += 1) side.log(eventName, fields);
      left.push((usedHeap() - before) / burst);
      await side.flush();
    }
    return left;
  };
  await many(calls / 10);
  await collect();
  const before = usedHeap();
  // A collection within a burst makes it look smaller; the median does not see it.
  const garbage = median(await many(calls));
  await collect();
  return { garbage, grown: usedHeap() - before };
}
