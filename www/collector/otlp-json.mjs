// Batches of the `json` format as OTLP logs in JSON, as the package itself would have sent them.

const IDENTITIES = ['user_id', 'session_id', 'account_uuid', 'organization_uuid', 'device_id'];
const RESERVED = new Set(['event_id', ...IDENTITIES]);
const GROUP = /^(core|user|event)_metadata\./;
const MAX_INTEGER = 2 ** 53;

/** @param {any[]} bodies that were checked */
export function logsOf(bodies) {
  return {
    resourceLogs: bodies.map(({ resource, batch, events }) => ({
      resource: { attributes: attributes(Object.entries(resource)) },
      scopeLogs: [
        {
          scope: { name: 'wasm-telemetry', attributes: attributes(batchEntries(batch)) },
          logRecords: events.map(recordOf),
        },
      ],
    })),
  };
}

function batchEntries({ dropped = {}, ...batch }) {
  return [
    ...Object.entries(batch).map(([key, value]) => [`batch.${key}`, value]),
    ...Object.entries(dropped).map(([reason, count]) => [`batch.dropped.${reason}`, count]),
  ];
}

function recordOf({ timestamp, ...event }) {
  const time = `${Date.parse(timestamp)}000000`;
  const exposure = event.event_type !== undefined;
  const name = exposure ? 'growthbook_experiment' : event.event_name;
  const entries = exposure
    ? Object.entries(event).filter(([key]) => key !== 'event_type')
    : eventEntries(event);
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    eventName: name,
    body: { stringValue: name },
    attributes: attributes(entries),
  };
}

function eventEntries({ event_name: _, core_metadata, user_metadata, event_metadata, ...own }) {
  const context = (group, fields = {}) =>
    Object.entries(fields).map(([key, value]) => [
      typeof value === 'string' && IDENTITIES.includes(key) ? key : `${group}.${key}`,
      value,
    ]);
  const metadata = Object.entries(event_metadata ?? {}).map(([key, value]) => [
    RESERVED.has(key) || GROUP.test(key) ? `event_metadata.${key}` : key,
    value,
  ]);
  return [
    ...Object.entries(own),
    ...context('core_metadata', core_metadata),
    ...context('user_metadata', user_metadata),
    ...metadata,
  ];
}

function attributes(entries) {
  return entries.map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  const whole = Number.isInteger(value) && Math.abs(value) <= MAX_INTEGER;
  return whole ? { intValue: String(value) } : { doubleValue: value };
}
