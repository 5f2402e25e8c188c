import { init } from 'wasm-telemetry';
import { visitor } from './visitor.js';

const MAX_SAID = 20;
const NUMBER = 'demo.number';

export const said = [];

export const telemetry = init({
  serviceName: 'demo-shop',
  serviceVersion: '1.0.0',
  format: TELEMETRY_FORMAT,
  user: { deviceId: visitor() },
  batch: { baseUrl: location.origin },
  onDiagnostic(diagnostic) {
    said.unshift(diagnostic);
    said.length = Math.min(said.length, MAX_SAID);
  },
});

// In force until the collector's configuration says otherwise: what `init` sets could not be changed.
telemetry.updateConfig({ batch: { scheduledDelayMillis: 2_000, maxBackoffMillis: 4_000 } });

/** Which number this page's first event has: those before it are an earlier visit's. */
export const firstNumber = lastNumber() + 1;

/**
 * Logs an event under a number that counts on across reloads of this tab, so that anybody can see in
 * the database whether one is missing or came twice.
 */
export function log(name, fields = {}) {
  telemetry.logEvent(name, { ...fields, n: take(1) });
}

export function logMany(count, name = 'bulk') {
  const first = take(count);
  for (let i = 0; i < count; i += 1) {
    telemetry.logEvent(name, { n: first + i, share: i / count, even: i % 2 === 0 });
  }
  return first;
}

export function expose(exposure) {
  const experimentMetadata = { ...exposure.experimentMetadata, n: take(1) };
  telemetry.logExperiment({ ...exposure, experimentMetadata });
}

export function lastNumber() {
  return Number(sessionStorage.getItem(NUMBER) ?? 0);
}

/** Gives the first of `count` fresh numbers. */
function take(count) {
  const last = lastNumber();
  sessionStorage.setItem(NUMBER, String(last + count));
  return last + 1;
}
