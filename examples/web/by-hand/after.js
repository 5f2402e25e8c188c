import { init } from 'wasm-telemetry';

init({ serviceName: 'shop', batch: { path: '/events', scheduledDelayMillis: 5_000 } });

export { logEvent } from 'wasm-telemetry';
