// Who is measured. `where` is both unless said; `gzip: false` takes CompressionStream away.

export const ours = { key: 'ours', name: 'wasm-telemetry', file: 'wasm-telemetry.js' };
export const oursPlain = {
  ...ours,
  key: 'ours-plain',
  name: 'wasm-telemetry, no compression',
  gzip: false,
};
export const floor = { key: 'floor', name: 'floor', file: 'floor.js', gzip: false };
export const json = {
  key: 'json',
  name: 'JSON.stringify(metadata)',
  file: 'json.js',
  /** What there is one of for each event. */
  marker: '"price"',
};
export const byHand = { key: 'by-hand', name: 'by hand', file: 'by-hand.js' };
export const openTelemetry = {
  key: 'otel',
  name: 'OpenTelemetry',
  file: 'opentelemetry.js',
};
export const openTelemetryGzip = {
  ...openTelemetry,
  key: 'otel-gzip',
  name: 'OpenTelemetry, gzip',
  where: 'node',
  gzip: true,
};
/** @type {{ key: string, name: string, file: string, where?: 'node' | 'chromium' }[]} */
export const others = [];
