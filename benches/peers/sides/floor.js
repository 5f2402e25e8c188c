// The bare requests: the very ones that wasm-telemetry makes of as many events, made beforehand.
import { eventName, events, scenarios } from '../inside/events.js';
import { start as startOurs } from './wasm-telemetry.js';

export async function start(options) {
  const requests = await capture(options);
  let logged = 0;
  let next = 0;
  let sending = Promise.resolve();
  const send = () => {
    const [url, init] = requests[next % requests.length];
    next += 1;
    // One at a time, as there.
    sending = sending.then(() => fetch(url, init)).then((response) => response.arrayBuffer());
  };
  return {
    log() {
      logged += 1;
      if (logged % options.batch === 0) send();
    },
    flush: () => sending,
  };
}

async function capture(options) {
  const requests = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (url, { signal, ...init }) => {
    requests.push([url, init]);
    return new Response('{}');
  };
  const ours = await startOurs({ ...options, store: 'memory' });
  for (let n = 0; n < events; n += 1) ours.log(eventName, scenarios['8 fields'].fields(n));
  await ours.flush();
  await ours.close();
  globalThis.fetch = fetch;
  return requests;
}
