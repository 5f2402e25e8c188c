/** @jest-environment jsdom */
const { flush, init, logEvent, stats } = require('wasm-telemetry');

const { ENDPOINT } = process.env;
init({ serviceName: 'tested', enabled: true, store: 'memory', batch: { baseUrl: ENDPOINT } });
logEvent('started', { step: 1 });

test('where there is no fetch, a logged event is kept', async () => {
  await flush();
  expect(stats().ledger.stored).toBe(1);
});
