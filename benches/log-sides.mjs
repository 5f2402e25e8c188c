// What logging costs, side by side in one run: with the package, written by hand, and JSON alone.

const events = 20_000;
const rounds = 15;

// A new object for each event, as programs do it.
const metadata = {
  0: () => undefined,
  1: (n) => ({ items: n }),
  8: (n) => ({
    items: n,
    price: n * 1.25,
    width: 1920,
    height: 1080,
    scroll: n % 100,
    express: n % 2 === 0,
    returning: true,
    dark: false,
  }),
};

/** As one writes it in an hour: an array, and a request's body for every 200 events. */
function handWritten() {
  let queue = [];
  let bytes = 0;
  const cut = () => {
    if (queue.length === 0) return;
    bytes += JSON.stringify({ events: queue }).length;
    queue = [];
  };
  return {
    log(name, fields) {
      queue.push({
        event_name: name,
        event_id: crypto.randomUUID(),
        timestamp: new Date().toISOString(),
        event_metadata: fields,
      });
      if (queue.length === 200) cut();
    },
    async finish() {
      cut();
      return bytes;
    },
  };
}

/** What only turns the metadata into text, and loses it. */
function jsonAlone() {
  let length = 0;
  return {
    log(_, fields) {
      length += JSON.stringify(fields)?.length ?? 0;
    },
    finish: async () => length,
  };
}

/** All of the package, down to the body that is given to `fetch`. */
function packaged(Telemetry) {
  const telemetry = new Telemetry({
    serviceName: 'bench',
    store: 'memory',
    enabled: true,
    strict: false,
    batch: { baseUrl: 'https://nowhere.invalid', maxQueueSize: 1_000_000, maxQueueBytes: 2 ** 28 },
  });
  return {
    ready: () => telemetry.ready(),
    log: (name, fields) => telemetry.logEvent(name, fields),
    async finish() {
      const { queued, inFlight, stored } = await telemetry.flush();
      if (queued + inFlight + stored > 0) throw new Error('the queue did not drain');
      return telemetry.stats().ledger;
    },
    close: () => telemetry.shutdown(),
  };
}

/**
 * @returns {Promise<{ fields: number, side: string, call: number, whole: number }[]>} nanoseconds for
 *   each event: while the caller waits, and with all that follows until the request's body is there
 */
export async function measure(Telemetry) {
  // Nothing leaves: the body is the end of the way, on each side.
  globalThis.fetch = async () => new Response(null, { status: 204 });
  delete globalThis.CompressionStream;

  const results = [];
  for (const fields of [0, 1, 8]) {
    const make = metadata[fields];
    const sides = {
      'wasm-telemetry': packaged(Telemetry),
      'by hand': handWritten(),
      'JSON.stringify': jsonAlone(),
    };
    await sides['wasm-telemetry'].ready();
    const times = Object.keys(sides).map(() => ({ call: [], whole: [] }));
    for (let round = -3; round < rounds; round += 1) {
      // Whoever comes first in one round comes last in another.
      for (let turn = 0; turn < times.length; turn += 1) {
        const index = (turn + round + 3) % times.length;
        const side = Object.values(sides)[index];
        const { call, whole } = await time(side, make);
        if (round < 0) continue;
        times[index].call.push(call);
        times[index].whole.push(whole);
      }
    }
    for (const [index, side] of Object.keys(sides).entries()) {
      const { call, whole } = times[index];
      results.push({ fields, side, call: median(call), whole: median(whole) });
    }
    await sides['wasm-telemetry'].close();
  }
  return results;
}

async function time(side, make) {
  const start = performance.now();
  for (let n = 0; n < events; n += 1) side.log('bench', make(n));
  const logged = performance.now();
  await side.finish();
  const finished = performance.now();
  const perEvent = 1e6 / events;
  return { call: (logged - start) * perEvent, whole: (finished - start) * perEvent };
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** How much a million calls leave on the heap. `used` gives its size after a collection. */
export async function growth(Telemetry, used) {
  globalThis.fetch = async () => new Response(null, { status: 204 });
  const side = packaged(Telemetry);
  await side.ready();
  const fields = metadata[8](1);
  const many = async (calls) => {
    for (let n = 0; n < calls; n += 1) {
      side.log('bench', fields);
      if (n % 10_000 === 0) await side.finish();
    }
    await side.finish();
  };
  await many(100_000);
  const before = await used();
  await many(1_000_000);
  const after = await used();
  await side.close();
  return after - before;
}

/** Garbage that finalizers hold goes with a later collection. */
export async function collected() {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
