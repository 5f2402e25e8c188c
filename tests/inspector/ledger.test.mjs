// Whatever happens, the fates of the events add up to the ledger.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { dice } from '../support/dice.mjs';
import { seed } from '../support/seed.mjs';
import { visit } from './visit.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** In the page: where the ledger and the fates differ. */
const differences = `(() => {
  const { ledger } = telemetry.stats();
  const fates = {};
  for (const { fate, reason } of inspector.events()) {
    const name = fate === 'dropped' ? reason : fate;
    fates[name] = (fates[name] ?? 0) + 1;
  }
  const wanted = {
    delivered: ledger.delivered, 'handed over': ledger.handedOver, sending: ledger.inFlight,
    stored: ledger.stored, 'sampled out': ledger.sampledOut, 'not logged': ledger.suppressed,
    ...ledger.dropped,
  };
  fates.waiting = (fates.queued ?? 0) + (fates.batched ?? 0);
  wanted.waiting = ledger.queued;
  const names = Object.keys({ ...wanted, ...fates }).filter((name) => !/^(queued|batched)$/.test(name));
  return names
    .filter((name) => (wanted[name] ?? 0) !== (fates[name] ?? 0))
    .map((name) => name + ': ledger ' + wanted[name] + ', events ' + fates[name]);
})()`;

const statuses = [200, 200, 200, 503, 503, 413, 400, 401, 0];

for (const [what, options] of Object.entries({
  IndexedDB: {},
  'memory, and little of it': { store: 'memory' },
  'IndexedDB, written ahead': { durability: 'write-ahead' },
})) {
  test(`${what}, seed ${seed}`, async (t) => {
    const { between, pick } = dice(seed);
    const below = (/** @type {number} */ most) => between(0, most - 1);
    const { server, run, problems } = await visit(t, browser, {
      options: {
        ...options,
        sampling: { sampled: { sample_rate: 0.5 } },
        batch: {
          ...{ scheduledDelayMillis: 20, baseBackoffMillis: 5, maxBackoffMillis: 20 },
          ...{ maxExportBatchSize: 5, maxAttempts: 3, maxQueueSize: 40, maxStoreBytes: 4_000 },
        },
      },
    });
    server.answerWith(({ body }) => {
      const status = pick(statuses);
      return { status: status === 413 && body.events.length === 1 && below(2) > 0 ? 200 : status };
    });
    const log = (/** @type {number} */ count) =>
      `for (let n = 0; n < ${count}; n += 1) telemetry.logEvent('event', { n });`;
    const steps = [
      () => log(1),
      () => log(1 + below(12)),
      () => `telemetry.logEvent('sampled'); telemetry.logEvent('')`,
      () => `telemetry.logExperiment({ experimentId: 'new-nav', variationId: 1 })`,
      () => 'telemetry.flush({ timeoutMillis: 50 })',
      () => `new Promise((resolve) => setTimeout(resolve, ${below(40)}))`,
      () => `dispatchEvent(new PageTransitionEvent('pagehide'))`,
      () => `dispatchEvent(new PageTransitionEvent('pageshow'))`,
      () => `telemetry.updateConfig({ killed: ${below(2) > 0} })`,
      () => `telemetry.updateConfig({ killed: null })`,
      () => `telemetry.updateConfig({ batch: { path: '/${below(3)}' } })`,
    ];
    for (let step = 0; step < 60; step += 1) {
      const text = pick(steps)();
      await run(text);
      assert.deepEqual(await run(differences), [], `after step ${step}: ${text}`);
    }
    assert.deepEqual(problems, []);
  });
}
