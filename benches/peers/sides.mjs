// Who is measured, and with how many events a round. `where` is both unless said; `gzip: false` takes
// CompressionStream away.
import { events } from './inside/events.js';

export const ours = { key: 'ours', name: 'wasm-telemetry', file: 'wasm-telemetry.js', events };
export const oursPlain = {
  ...ours,
  key: 'ours-plain',
  name: 'wasm-telemetry, no compression',
  gzip: false,
};
export const floor = { key: 'floor', name: 'floor', file: 'floor.js', events, gzip: false };
export const json = {
  key: 'json',
  name: 'JSON.stringify(metadata)',
  file: 'json.js',
  events,
  /** What there is one of for each event. */
  marker: '"price"',
};
export const byHand = { key: 'by-hand', name: 'by hand', file: 'by-hand.js', events };
export const openTelemetry = {
  key: 'otel',
  name: 'OpenTelemetry',
  file: 'opentelemetry.js',
  events,
};
export const openTelemetryGzip = {
  ...openTelemetry,
  key: 'otel-gzip',
  name: 'OpenTelemetry, gzip',
  where: 'node',
  gzip: true,
};

const [node, chromium] = ['node', 'chromium'];

/** The other SDKs. */
export const others = [
  { key: 'statsig', name: 'Statsig', file: 'statsig.js', events },
  { key: 'sentry', name: 'Sentry', file: 'sentry.js', events },
  { key: 'posthog-node', name: 'PostHog', file: 'posthog-node.js', where: node, events },
  { key: 'posthog', name: 'PostHog', file: 'posthog-js.js', where: chromium, events: 2_000 },
  { key: 'faro', name: 'Grafana Faro', file: 'faro.js', where: chromium, events },
  // It drops what exceeds 24,000 a minute.
  { key: 'datadog', name: 'Datadog', file: 'datadog.js', where: chromium, events: 2_000 },
  // Each event costs more than the one before.
  { key: 'snowplow', name: 'Snowplow', file: 'snowplow.js', where: chromium, events: 400 },
];

/** Whether a side had its rounds (the first is -1): fewer where one takes seconds, or time is short. */
export const isEnough = (side, round, quick) =>
  others.includes(side) && round > (quick ? 0 : side.events < events ? 1 : 3);

/** With the number of events where it is another. */
export const named = (side) =>
  side.events === events ? side.name : `${side.name} (${side.events.toLocaleString('en')} events)`;
