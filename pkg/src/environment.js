// What the process's environment says: OpenTelemetry's variables, and who must not be logged.

/**
 * @typedef {object} Environment
 * @property {string} [serviceName]
 * @property {string} [serviceVersion]
 * @property {Record<string, string>} resource
 * @property {import('../index.d.ts').BatchConfig} batch
 * @property {string} [disabled] why nothing may be logged
 * @property {{ name: string, reason: string }[]} rejected
 */

/** @typedef {Record<string, string | undefined>} Variables */

// In the order in which one gives way to the next, with the limits of the configuration.
const numbers = /** @type {const} */ ([
  ['OTEL_LOGS_EXPORT_INTERVAL', 'scheduledDelayMillis', 10, 3_600_000],
  ['OTEL_BLRP_SCHEDULE_DELAY', 'scheduledDelayMillis', 10, 3_600_000],
  ['OTEL_BLRP_MAX_QUEUE_SIZE', 'maxQueueSize', 1, 1_000_000],
  ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize', 1, 10_000],
  ['OTEL_BLRP_EXPORT_TIMEOUT', 'exportTimeoutMillis', 10, 600_000],
]);

/** @returns {Environment} */
export function readEnvironment(/** @type {Variables} */ variables) {
  /** @type {Environment['rejected']} */
  const rejected = [];
  const {
    'service.name': nameInResource,
    'service.version': serviceVersion,
    ...resource
  } = readResource(variables.OTEL_RESOURCE_ATTRIBUTES, rejected);
  return {
    serviceName: variables.OTEL_SERVICE_NAME || nameInResource,
    serviceVersion,
    resource,
    batch: { ...readNumbers(variables, rejected), ...readEndpoint(variables, rejected) },
    disabled: readDisabled(variables),
    rejected,
  };
}

function readDisabled(/** @type {Variables} */ { DO_NOT_TRACK, OTEL_SDK_DISABLED }) {
  if (/^(1|true)$/i.test(DO_NOT_TRACK?.trim() ?? '')) return `DO_NOT_TRACK=${DO_NOT_TRACK}`;
  if (/^true$/i.test(OTEL_SDK_DISABLED?.trim() ?? '')) return 'OTEL_SDK_DISABLED=true';
  return undefined;
}

function readNumbers(
  /** @type {Variables} */ variables,
  /** @type {Environment['rejected']} */ rejected,
) {
  /** @type {Record<string, number>} */
  const batch = {};
  for (const [name, field, min, max] of numbers) {
    const text = variables[name]?.trim();
    if (!text) continue;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) batch[field] = value;
    else rejected.push({ name, reason: `must be a whole number from ${min} to ${max}` });
  }
  return batch;
}

function readEndpoint(
  /** @type {Variables} */ variables,
  /** @type {Environment['rejected']} */ rejected,
) {
  const name = variables.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT?.trim()
    ? 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT'
    : 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const text = variables[name]?.trim();
  if (!text) return {};
  try {
    const { protocol, origin, pathname } = new URL(text);
    if (protocol !== 'https:' && protocol !== 'http:') throw new Error('no HTTP');
    return { baseUrl: origin + pathname.replace(/\/+$/, '') };
  } catch {
    rejected.push({ name, reason: 'must be a URL that begins with https:// or http://' });
    return {};
  }
}

/** `key1=value1,key2=value2`, values percent-encoded. One bad pair spoils all, as OpenTelemetry has it. */
function readResource(
  /** @type {string | undefined} */ text,
  /** @type {Environment['rejected']} */ rejected,
) {
  /** @type {Record<string, string>} */
  const resource = {};
  const name = 'OTEL_RESOURCE_ATTRIBUTES';
  for (const pair of text?.trim() ? text.split(',') : []) {
    const [, key, value] = pair.match(/^\s*([^=\s]+)\s*=(.*)$/s) ?? [];
    try {
      if (!key) throw new Error('no key');
      resource[key] = decodeURIComponent(value.trim());
    } catch {
      rejected.push({ name, reason: 'must be key=value pairs with commas between' });
      return {};
    }
  }
  return resource;
}
