// The `json` wire format, read strictly: whatever a client sends that is not in the format is named
// by its path, so that a mistake shows at once instead of turning into an odd row.

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const DROP_REASON = /^[a-z][a-z0-9_]{0,63}$/;
const EXPOSURE_TYPE = 'GrowthbookExperimentEvent';

const MAX_EVENTS = 10_000;
const MAX_FIELDS = 128;
const MAX_KEY = 128;
const MAX_NAME = 256;
const MAX_TEXT = 1_024;
const MAX_JSON_TEXT = 65_536;

/** Says what was expected at a path and what kind of thing is there; never what it holds. */
export class InvalidBatch extends Error {
  /**
   * @param {string} path
   * @param {string} message
   * @param {{ remedy?: string, place?: string }} [more]
   */
  constructor(path, message, { remedy, place = withoutKeys(path) } = {}) {
    super(message);
    this.status = 400;
    this.path = path;
    this.remedy = remedy;
    /** The path for a log: without keys that a program chose. */
    this.place = place;
  }
}

const REMEDIES = {
  missing: 'add it: docs/wire.md shows a batch',
  unknown: 'leave it out, or let this endpoint learn the newer format first',
  uuid: 'make it with crypto.randomUUID(), once: what is sent again keeps its id',
  time: 'use new Date().toISOString()',
  field: 'metadata holds numbers, booleans and checked texts; leave the rest out',
  size: 'send fewer or shorter ones; the limits are in docs/endpoint.md',
  jsonText: 'use JSON.stringify() on a plain object',
};

function withoutKeys(path) {
  return path
    .replace(/(metadata|resource|dropped)(\.|\[").*$/s, '$1.*')
    .replace(/^(events)\[\d+\]/, '$1[*]');
}

/** Throws {@link InvalidBatch} at the first thing that is not in the format. */
export function checkBatch(body) {
  object('body', body);
  keys('', body, { resource, batch, events });
}

function resource(path, value) {
  fields(path, value);
  if (!Object.hasOwn(value, 'service.name')) missing(`${path}["service.name"]`);
  text(1, MAX_TEXT)(`${path}["service.name"]`, value['service.name']);
}

function batch(path, value) {
  object(path, value);
  keys(
    path,
    value,
    { id: uuid, client_id: uuid, seq: integer(0), attempt: integer(1), sent_at: timestamp },
    { dropped },
  );
}

function dropped(path, value) {
  object(path, value);
  const reasons = Object.entries(value);
  if (reasons.length === 0)
    fail(path, 'must be left out when there is nothing to report', 'leave it out');
  for (const [reason, count] of reasons) {
    if (!DROP_REASON.test(reason))
      fail(
        join(path, reason),
        'is not a drop reason: lower case letters, digits and _, at most 64',
      );
    integer(1)(join(path, reason), count);
  }
}

function events(path, value) {
  if (!Array.isArray(value)) fail(path, `must be an array, not ${kind(value)}`);
  if (value.length === 0) fail(path, 'must hold at least one event');
  if (value.length > MAX_EVENTS) {
    fail(path, `holds ${value.length} events, more than ${MAX_EVENTS}`, REMEDIES.size);
  }
  value.forEach((item, index) => {
    event(`${path}[${index}]`, item);
  });
}

function event(path, value) {
  object(path, value);
  if (Object.hasOwn(value, 'event_type')) keys(path, value, EXPOSURE, EXPOSURE_OPTIONAL);
  else keys(path, value, EVENT, EVENT_OPTIONAL);
}

const EVENT = { event_name: text(1, MAX_NAME), event_id: uuid, timestamp };
const EVENT_OPTIONAL = {
  user_id: text(0, MAX_TEXT),
  core_metadata: fields,
  user_metadata: fields,
  event_metadata: fields,
};

const EXPOSURE = {
  event_type: exposureType,
  event_id: uuid,
  timestamp,
  experiment_id: text(1, MAX_NAME),
  variation_id: integer(0),
};
const EXPOSURE_OPTIONAL = {
  device_id: text(0, MAX_TEXT),
  account_uuid: text(0, MAX_TEXT),
  organization_uuid: text(0, MAX_TEXT),
  session_id: text(0, MAX_TEXT),
  user_attributes: jsonText,
  experiment_metadata: jsonText,
  environment: text(0, MAX_TEXT),
};

function exposureType(path, value) {
  if (value !== EXPOSURE_TYPE)
    fail(path, `must be "${EXPOSURE_TYPE}"`, 'leave it out for any other event');
}

function fields(path, value) {
  object(path, value);
  const names = Object.keys(value);
  // The client adds `sample_rate` to an event that is full already.
  const limit = Object.hasOwn(value, 'sample_rate') ? MAX_FIELDS + 1 : MAX_FIELDS;
  if (names.length > limit) {
    fail(path, `holds ${names.length} fields, more than ${MAX_FIELDS}`, REMEDIES.size);
  }
  for (const name of names) {
    const at = join(path, name);
    const length = characters(name);
    if (length < 1 || length > MAX_KEY) {
      fail(at, `is a key of ${length} characters, not 1 to ${MAX_KEY}`, REMEDIES.size);
    }
    field(at, value[name]);
  }
}

function field(path, value) {
  if (typeof value === 'string') text(0, MAX_TEXT)(path, value);
  else if (typeof value === 'number') finite(path, value);
  else if (typeof value !== 'boolean') {
    fail(path, `must be a number, a boolean or a string, not ${kind(value)}`, REMEDIES.field);
  }
}

function finite(path, value) {
  if (!Number.isFinite(value)) fail(path, 'is a number too large to hold');
}

function integer(min) {
  return (path, value) => {
    if (typeof value !== 'number') fail(path, `must be a number, not ${kind(value)}`);
    if (!Number.isSafeInteger(value) || value < min) {
      fail(path, `must be a whole number of at least ${min}`);
    }
  };
}

function text(min, max) {
  return (path, value) => {
    if (typeof value !== 'string') fail(path, `must be a string, not ${kind(value)}`);
    const length = characters(value);
    if (length < min || length > max) {
      fail(path, `has ${length} characters, not ${min} to ${max}`, REMEDIES.size);
    }
  };
}

function uuid(path, value) {
  if (typeof value !== 'string') fail(path, `must be a UUID, not ${kind(value)}`, REMEDIES.uuid);
  if (!UUID.test(value)) {
    const came = `a text of ${value.length} characters that is none`;
    fail(path, `must be a UUID in lower case, not ${came}`, REMEDIES.uuid);
  }
}

function timestamp(path, value) {
  if (typeof value !== 'string') fail(path, `must be a time, not ${kind(value)}`, REMEDIES.time);
  // The second look refuses a 31st of February, which the pattern lets through.
  const known = TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value));
  if (!known || new Date(value).toISOString() !== value) {
    fail(path, 'must be a time like 2026-01-02T03:04:05.678Z, in UTC', REMEDIES.time);
  }
}

function jsonText(path, value) {
  text(2, MAX_JSON_TEXT)(path, value);
  let parsed;
  try {
    parsed = JSON.parse(value);
  } catch {
    fail(path, 'must be JSON text', REMEDIES.jsonText);
  }
  if (kind(parsed) !== 'an object') {
    fail(path, `must be the JSON text of an object, not of ${kind(parsed)}`, REMEDIES.jsonText);
  }
}

function object(path, value) {
  if (kind(value) !== 'an object') fail(path, `must be an object, not ${kind(value)}`);
}

/** Every required key is there, every key is known, and every value passes its check. */
function keys(path, value, required, optional = {}) {
  for (const name of Object.keys(required)) {
    if (!Object.hasOwn(value, name)) missing(join(path, name));
  }
  for (const name of Object.keys(value)) {
    const check = own(required, name) ?? own(optional, name);
    if (check === undefined) {
      throw new InvalidBatch(join(path, name), 'is not a key of this format', {
        remedy: REMEDIES.unknown,
        place: withoutKeys(join(path, '*')),
      });
    }
    check(join(path, name), value[name]);
  }
}

function own(table, name) {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function join(path, name) {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return `${path}[${JSON.stringify(name.length > 140 ? `${name.slice(0, 140)}…` : name)}]`;
  }
  return path === '' ? name : `${path}.${name}`;
}

/** Characters as a reader counts them: a pair of surrogates is one. */
function characters(value) {
  let count = 0;
  for (const _ of value) count += 1;
  return count;
}

function kind(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

function missing(path) {
  fail(path, 'is missing', REMEDIES.missing);
}

function fail(path, message, remedy) {
  throw new InvalidBatch(path, message, { remedy });
}
