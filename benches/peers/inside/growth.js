// Whether the cost of an event depends on how many there are, of how many kinds, and how large they are.
// Requests are answered in the process, so that only logging and what follows from it is measured.
import { median } from '../statistics.mjs';
import { eventName, scenarios, wide } from './events.js';

const piece = 1_000;

/** Logs `count` events in one go: nanoseconds for a call, and for `JSON.stringify` of its metadata. */
export async function compare(side, setting) {
  const { name, fields } = prepare(setting);
  const [calls, jsons] = [[], []];
  let length = 0;
  for (let done = 0; done < setting.count; done += piece) {
    const start = performance.now();
    for (let n = done; n < done + piece; n += 1) side.log(name(n), fields(n));
    const logged = performance.now();
    for (let n = done; n < done + piece; n += 1) length += JSON.stringify(fields(n)).length;
    const end = performance.now();
    calls.push(((logged - start) * 1e6) / piece);
    jsons.push(((end - logged) * 1e6) / piece);
  }
  await send(side);
  return { call: median(calls), json: median(jsons), length };
}

/** Logs and sends as many. */
export async function grow(side, setting) {
  const { name, fields } = prepare(setting);
  for (let n = 0; n < setting.count; n += 1) side.log(name(n), fields(n));
  await send(side);
}

export function nothing() {}

function prepare({ names = 1, keys }) {
  globalThis.fetch = async () => new Response(null, { status: 204 });
  const all = Array.from({ length: names }, (_, index) => `${eventName}_${index}`);
  const fields = keys ? wide(keys) : scenarios['8 fields'].fields;
  return { name: (n) => all[n % names], fields };
}

async function send(side) {
  await side.flush();
  const { queued, inFlight, stored, dropped } = side.ledger();
  if (queued + inFlight + stored > 0 || Object.keys(dropped).length > 0) {
    throw new Error(`not all went out: ${JSON.stringify({ queued, inFlight, stored, dropped })}`);
  }
}
