// What the OTLP formats carry, back in the form of the `json` format.
import { parseJson } from './body.mjs';
import { Answer } from './http.mjs';
import { InvalidMessage, readLogs } from './protobuf.mjs';
import { InvalidBatch } from './validation.mjs';

const JSON_TYPE = 'application/json';
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
 * @param {Uint8Array} bytes an ExportLogsServiceRequest
 * @param {string} type its media type
 * @returns {{ body: any, bytes: number }[]} its batches, and what each took in it as protobuf
 */
export function batchesOf(bytes, type) {
  const parsed = type === JSON_TYPE ? parseJson(bytes) : undefined;
  try {
    const resourceLogs = parsed === undefined ? readLogs(bytes) : parsed.resourceLogs;
    return resourceLogs.flatMap(({ resource, scopeLogs, bytes = 0 }) =>
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
    // What is not where JSON should have it, or is another thing.
    const foreign = [TypeError, RangeError, SyntaxError].some((kind) => error instanceof kind);
    if (!foreign && !(error instanceof InvalidMessage)) throw error;
    throw new InvalidBatch('body', 'is not an ExportLogsServiceRequest of OTLP', {
      remedy: 'send what `format: "otlp-json"` or "otlp-protobuf" makes, with its own Content-Type',
    });
  }
}

function batchOf(attributes) {
  const fields = [];
  const dropped = [];
  for (const [name, value] of Object.entries(attributes)) {
    const [, reason] = /^batch\.dropped\.(.*)$/s.exec(name) ?? [];
    if (reason === undefined) fields.push([name.replace(/^batch\./, ''), value]);
    else dropped.push([reason, value]);
  }
  if (dropped.length > 0) fields.push(['dropped', Object.fromEntries(dropped)]);
  return Object.fromEntries(fields);
}

function eventOf({ timeUnixNano = 0, eventName, ...record }) {
  const timestamp = timeOf(timeUnixNano);
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

/** What is no time is left as it is, so that validation refuses this batch, and no other. */
function timeOf(nanos) {
  try {
    return new Date(Number(BigInt(nanos) / 1_000_000n)).toISOString();
  } catch {
    return nanos;
  }
}

/** An integer is a number here, as in JSON. */
function plain({ attributes = [] } = {}) {
  const entries = attributes.map(({ key, value = {} }) => {
    const [[kind, held] = []] = Object.entries(value);
    return [key, kind === 'intValue' ? Number(held) : held];
  });
  return Object.fromEntries(entries);
}

/**
 * What an endpoint answers: how many records it did not take, if any, and why.
 * @param {string} type media type of the request
 */
export function logsAnswer(type, rejected, message) {
  const body = type === JSON_TYPE ? jsonAnswer(rejected, message) : binaryAnswer(rejected, message);
  return new Answer(200, { 'Content-Type': type }, body);
}

function jsonAnswer(rejected, errorMessage) {
  const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage };
  return Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess }));
}

function binaryAnswer(rejected, message) {
  if (rejected === 0) return Buffer.alloc(0);
  const text = Buffer.from(message);
  const partial = [8, ...varint(rejected), 18, ...varint(text.length), ...text];
  return Buffer.from([10, ...varint(partial.length), ...partial]);
}

function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
