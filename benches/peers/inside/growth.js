// Whether the cost of an event depends on how many there are, of how many kinds, and how large they are.
// Requests are answered in the process, so that only logging and what follows from it is measured.
import { medians } from '../statistics.mjs';
import { eventName, scenarios, wide } from './events.js';

/** Nanoseconds for each event: the call, all until the request's body is there, and JSON alone. */
export async function growth(side, { count, names = 1, keys, rounds }) {
  const { fetch } = globalThis;
  globalThis.fetch = async () => new Response(null, { status: 204 });
  const name = Array.from({ length: names }, (_, index) => `${eventName}_${index}`);
  const fields = keys ? wide(keys) : scenarios['8 fields'].fields;
  const figures = [];
  let length = 0;
  const warmUps = Math.ceil(20_000 / count);
  for (let round = -warmUps; round < rounds; round += 1) {
    const start = performance.now();
    for (let n = 0; n < count; n += 1) side.log(name[n % names], fields(n));
    const logged = performance.now();
    await side.flush();
    const sent = performance.now();
    for (let n = 0; n < count; n += 1) length += JSON.stringify(fields(n)).length;
    const end = performance.now();
    if (round < 0) continue;
    const [call, whole, json] = [logged - start, sent - start, end - sent];
    const perEvent = 1e6 / count;
    figures.push({
      call: call * perEvent,
      whole: whole * perEvent,
      callRatio: call / json,
      wholeRatio: whole / json,
    });
  }
  globalThis.fetch = fetch;
  const { queued, inFlight, stored, dropped } = side.ledger();
  if (queued + inFlight + stored > 0 || Object.keys(dropped).length > 0) {
    throw new Error(`not all went out: ${JSON.stringify({ queued, inFlight, stored, dropped })}`);
  }
  return { ...medians(figures), length };
}
