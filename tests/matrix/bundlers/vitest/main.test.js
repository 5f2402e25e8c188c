import { expect, test } from 'vitest';
import { flush, init, logEvent, stats } from 'wasm-telemetry';

const { ENDPOINT } = process.env;
init({ serviceName: 'tested', enabled: true, store: 'memory', batch: { baseUrl: ENDPOINT } });
logEvent('started', { step: 1 });

test('a logged event is delivered', async () => {
  await flush();
  expect(stats().ledger.delivered).toBe(1);
});
