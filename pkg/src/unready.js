// What is told while there is no WebAssembly to ask.

/** @typedef {import('../index.d.ts').Stats} Stats */

/** @returns {Stats} */
export function noStats(/** @type {Stats['state']} */ state) {
  return {
    state,
    ledger: {
      accepted: 0,
      delivered: 0,
      handedOver: 0,
      queued: 0,
      inFlight: 0,
      stored: 0,
      dropped: {},
      sampledOut: 0,
      suppressed: 0,
      fieldsLeftOut: 0,
    },
    config: {
      batch: /** @type {Stats['config']['batch']} */ ({}),
      sampling: {},
      killed: false,
      consent: 'granted',
      durability: 'on-failure',
      format: 'json',
    },
    store: { kind: 'none', batches: 0, events: 0, bytes: 0, copies: 0 },
    endpoint: { url: '', online: true, failures: 0 },
    sizes: { queuedBytes: 0, memoryBytes: 0 },
    traps: 0,
  };
}

/** @returns {import('../index.d.ts').FlushReport} */
export function noFlush() {
  return { delivered: 0, dropped: 0, queued: 0, inFlight: 0, stored: 0, timedOut: false };
}

/** For whoever asks with too little stack left to make a report. */
export const noStackLeft = Object.freeze({ ...noFlush(), timedOut: true });
