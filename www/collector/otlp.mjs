// What the OTLP formats carry, back in the form of the `json` format.
import { InvalidMessage, readLogs } from './protobuf.mjs';
import { InvalidBatch } from './validation.mjs';

const EXPOSURE = 'growthbook_experiment';
/** Where the `json` format has what OTLP has among an event's attributes. */
const PLACES = new Map([
  ['session_id', 'core_metadata'],
  ['account_uuid', 'user_metadata'],
  ['organization_uuid', 'user_metadata'],
  ['device_id', 'user_metadata'],
]);
const GROUP = /^(core_metadata|user_metadata|event_metadata)\.(.*)$/s;

/**
 * @param {Uint8Array} bytes an ExportLogsServiceRequest as protobuf
 * @returns {{ body: any, bytes: number }[]} its batches, and what each took in it
 */
export function batchesOf(bytes) {
  try {
    return readLogs(bytes).flatMap(({ resource, scopeLogs, bytes }) =>
      scopeLogs.map(({ scope, logRecords }) => ({
        bytes,
        body: {
          resource: plain(resource),
          batch: batchOf(plain(scope)),
          events: logRecords.map(eventOf),
        },
      })),
    );
  } catch (error) {
    if (error instanceof InvalidMessage) throw new InvalidBatch('body', 'is not OTLP logs');
    throw error;
  }
}

function batchOf(attributes) {
  const batch = {};
  for (const [name, value] of Object.entries(attributes)) {
    const [, reason] = /^batch\.dropped\.(.*)$/s.exec(name) ?? [];
    if (reason === undefined) batch[name.replace(/^batch\./, '')] = value;
    else batch.dropped = { ...batch.dropped, [reason]: value };
  }
  return batch;
}

function eventOf({ timeUnixNano = 0n, eventName, ...record }) {
  const timestamp = new Date(Number(timeUnixNano / 1_000_000n)).toISOString();
  const { event_id, ...attributes } = plain(record);
  if (eventName === EXPOSURE) {
    return { event_type: 'GrowthbookExperimentEvent', event_id, timestamp, ...attributes };
  }
  const event = { event_name: eventName, event_id, timestamp };
  for (const [name, value] of Object.entries(attributes)) {
    const [, group = PLACES.get(name) ?? 'event_metadata', key = name] = GROUP.exec(name) ?? [];
    if (name === 'user_id') event.user_id = value;
    else event[group] = { ...event[group], [key]: value };
  }
  return event;
}

/** An integer is a number here, as in JSON. */
function plain({ attributes = [] } = {}) {
  const entries = attributes.map(({ key, value = {} }) => {
    const [held] = Object.values(value);
    return [key, typeof held === 'bigint' ? Number(held) : held];
  });
  return Object.fromEntries(entries);
}
