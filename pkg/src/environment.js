// What the process's environment says: OpenTelemetry's variables, as defaults of the options, and who must
// not be logged. `docs/environment.md` lists them.
import { tell } from './diagnostics.js';
import { applyHeaders, readCompression, readEndpoint } from './receiver.js';
import { attempt, decoded, merged, pairsOf, read } from './variables.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */
/** @typedef {import('../index.d.ts').BatchConfig} BatchConfig */
/** @typedef {import('./variables.js').Reject} Reject */

// In the order in which one gives way to the next, with the limits of the configuration.
const numbers = /** @type {const} */ ([
  ['OTEL_LOGS_EXPORT_INTERVAL', 'scheduledDelayMillis', 10, 3_600_000],
  ['OTEL_BLRP_SCHEDULE_DELAY', 'scheduledDelayMillis', 10, 3_600_000],
  ['OTEL_BLRP_MAX_QUEUE_SIZE', 'maxQueueSize', 1, 1_000_000],
  ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize', 1, 10_000],
  ['OTEL_BLRP_EXPORT_TIMEOUT', 'exportTimeoutMillis', 10, 600_000],
]);

/**
 * Completes the options.
 * @param {InitOptions} options
 * @returns {{ batch: BatchConfig, disabled?: string }} what gives way to remote configuration, too; and why
 *   nothing may be logged
 */
export function applyEnvironment(options) {
  /** @type {Reject} */
  const reject = (name, reason) =>
    tell(options, { code: 'option_rejected', message: `${name} ${reason}`, field: name });
  const { 'service.name': name, 'service.version': version, ...resource } = readResource(reject);
  options.serviceName ??= read('OTEL_SERVICE_NAME') || name;
  options.serviceVersion ??= version;
  options.resource = merged(resource, options.resource);
  options.compression ??= readCompression(reject);
  const base = attempt(() => options.batch?.baseUrl) ?? undefined;
  applyHeaders(options, base, reject);
  // Half of one endpoint and half of another would be none.
  const endpoint = base === undefined ? readEndpoint(reject) : {};
  return { batch: { ...readNumbers(reject), ...endpoint }, disabled: readDisabled(reject) };
}

/** One bad pair spoils all, as OpenTelemetry has it. */
function readResource(/** @type {Reject} */ reject) {
  const variable = 'OTEL_RESOURCE_ATTRIBUTES';
  /** @type {Record<string, string>} */
  const resource = /** @type {any} */ ({ __proto__: null });
  for (const [name, text] of pairsOf(variable)) {
    const [key, value] = [decoded(name), decoded(text)];
    if (!key || value === undefined || text.includes('=')) {
      reject(
        variable,
        'must be key=value,key=value, with any other comma, = and % percent-encoded',
      );
      return {};
    }
    resource[key] = value;
  }
  return resource;
}

function readNumbers(/** @type {Reject} */ reject) {
  /** @type {Record<string, number>} */
  const batch = {};
  for (const [name, field, min, max] of numbers) {
    const text = read(name);
    if (text === '') continue;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) batch[field] = value;
    // To OpenTelemetry a time-out of 0 is none.
    else if (field === 'exportTimeoutMillis' && /^0+$/.test(text)) batch[field] = max;
    else reject(name, `must be a whole number from ${min} to ${max}`);
  }
  return batch;
}

function readDisabled(/** @type {Reject} */ reject) {
  const wish = read('DO_NOT_TRACK');
  if (!/^(0|false)?$/i.test(wish)) return `DO_NOT_TRACK=${wish}`;
  const disabled = read('OTEL_SDK_DISABLED');
  if (/^true$/i.test(disabled)) return 'OTEL_SDK_DISABLED=true';
  if (!/^(false)?$/i.test(disabled)) reject('OTEL_SDK_DISABLED', 'must be true or false');
  return undefined;
}
