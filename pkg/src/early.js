// A page that is left before the WebAssembly is there: the calls that wait for it go into the spool, and
// the next page of the service logs them.
import { holdsFields, snapshot } from './snapshot.js';
import { Spool } from './spool.js';
import { textOf, verified } from './verified.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */
/** @typedef {import('./kept.js').Kept} Kept */
/** @typedef {import('./kept.js').Call} Call */
/** @typedef {import('./settings.js').Host} Host */
/** @typedef {import('#bindings').Bound['Client']} Client */

/** Pages that are left one after the other must not fill what the host shares. */
const mostPages = 8;
const mostCharacters = 2 ** 18;
/** So that nothing is sent before all of it is in the store. */
const oneBatch = { maxExportBatchSize: 10_000, maxExportBatchBytes: 16_777_216 };

export const isPage = typeof document === 'object' && typeof addEventListener === 'function';

/** Not where there is no document, or its scripts have broken it. */
export const isHidden = () => quietly(() => document.visibilityState === 'hidden') === true;

/**
 * Guards the calls until they are handed on.
 * @param {InitOptions} options
 * @param {Host} host
 * @param {Kept} kept
 * @returns {() => boolean} ends that, and tells whether the page was going away
 */
export function guard(options, host, kept) {
  if (!isPage) return () => false;
  const spool = new Spool(options.serviceName, 'calls');
  let key = '';
  /** @type {Call[]} */
  let saved = [];

  const takeBack = () => {
    const own = saved;
    saved = [];
    // If they are gone, another page logs them.
    if (own.length > 0 && spool.take(key) === null) {
      kept.calls = kept.calls.filter((call) => !own.includes(call));
    }
    return own.length > 0;
  };
  const save = () => {
    takeBack();
    if (!mayStore(options, host, kept) || spool.keys().length >= mostPages) return;
    const { calls, text } = pack(kept.calls, options.events);
    if (calls.length === 0) return;
    const { resource, user, context, ...more } = options;
    const { serviceVersion, userId, sessionId } = fieldsOf(more, scalar);
    const groups = { resource, user, context };
    const fields = fieldsOf(groups, (group) => fieldsOf(snapshot(group), scalar));
    key ||= String(crypto.getRandomValues(new Uint32Array(8)));
    const told = { serviceVersion, userId, sessionId, ...fields };
    spool.write(key, `[${JSON.stringify(told)},[${text}]]`);
    saved = calls;
  };
  const listener = (/** @type {Event} */ { type }) => {
    const leaves = type === 'pagehide' || (type !== 'pageshow' && isHidden());
    quietly(leaves ? save : takeBack);
  };
  /** @type {[EventTarget, string][]} */
  const sources = [
    [globalThis, 'pagehide'],
    [globalThis, 'pageshow'],
    [document, 'visibilitychange'],
  ];
  for (const [target, type] of sources) target.addEventListener(type, listener);
  return () => {
    for (const [target, type] of sources) target.removeEventListener(type, listener);
    return quietly(takeBack) === true;
  };
}

/**
 * Logs what other pages left, by an instance of its own: it has another context.
 * @param {Client} Client
 * @param {InitOptions} options
 * @param {Host} host
 * @param {Kept} kept
 */
export function recover(Client, options, host, kept) {
  if (!isPage) return;
  quietly(() => {
    if (!mayStore(options, host, kept)) return;
    const spool = new Spool(options.serviceName, 'calls');
    for (const key of spool.keys()) {
      logLater(Client, spool, key, options, host, kept).catch(() => spool.take(key));
    }
  });
}

/**
 * @param {Client} Client
 * @param {Spool} spool
 * @param {string} key
 * @param {InitOptions} options
 * @param {Host} host
 * @param {Kept} kept
 */
async function logLater(Client, spool, key, options, host, kept) {
  const [told] = JSON.parse(spool.read(key) ?? '');
  const client = new Client(
    {
      ...options,
      ...told,
      batch: { ...options.batch, ...oneBatch },
      consent: kept.consent ?? options.consent,
      strict: false,
    },
    // The same ids, should two pages do this at once.
    { ...host, seed: new Uint8Array(Uint32Array.from(key.split(',').map(Number)).buffer) },
  );
  await client.ready();
  const [, calls] = JSON.parse(spool.take(key) ?? '[[],[]]');
  for (const [method, at, args] of calls) {
    if (method === 'logEvent') args[1] = revived(args[1]);
    /** @type {any} */ (client)[method](...args, at);
  }
  // Whoever lists the store from now on may take it; the page's own instance may have listed before.
  if (client.stats().store.kind === 'indexeddb') client.leave('process');
  await client.shutdown();
}

/**
 * Whether the calls will be logged for all that is known now, and may be stored.
 * @param {InitOptions} options
 * @param {Host} host
 * @param {Kept} kept
 */
function mayStore({ enabled, consent, respectGpc, killed, store, batch }, host, kept) {
  const { globalPrivacyControl } = /** @type {any} */ (navigator);
  return (
    enabled !== false &&
    !host.disabled &&
    !host.spool?.deniedAt() &&
    (kept.consent ?? consent ?? 'granted') === 'granted' &&
    !(respectGpc && globalPrivacyControl) &&
    !killed &&
    !store &&
    batch?.maxStoreBytes !== 0
  );
}

/** The first calls, as many as there is room for. */
function pack(/** @type {Call[]} */ all, /** @type {InitOptions['events']} */ events) {
  const calls = [];
  const texts = [];
  let room = mostCharacters;
  for (const call of all) {
    const { method, at, args } = call;
    // While a getter of its arguments is at work there are none.
    const stored = args.length > 0 && storable[method]?.(args[0], args[1], events);
    if (!stored) continue;
    const text = JSON.stringify([method, at, stored]);
    room -= text.length;
    if (room < 0) break;
    calls.push(call);
    texts.push(text);
  }
  return { calls, text: texts.join() };
}

/**
 * What may be stored of a call: no more than may be sent. The rest would be refused anyway.
 * @type {Partial<Record<Call['method'], (argument: any, fields: any, events: any) => unknown[]>>}
 */
const storable = {
  logEvent: (name, fields, events) => {
    const declared = !events || (typeof name === 'string' && has(events, name));
    const known = events ? declared && events[name] : fields;
    return [declared ? only('string', name) : null, plain(fields, known)];
  },
  logExperiment: (exposure) => {
    if (!holdsFields(exposure)) return [null];
    const { experimentId, variationId, userAttributes, experimentMetadata } = exposure;
    return [
      {
        experimentId: only('string', experimentId),
        variationId: only('number', variationId),
        userAttributes: only('object', userAttributes),
        experimentMetadata: only('object', experimentMetadata),
      },
    ];
  },
  setContext: (patch) => [fieldsOf(patch, scalar)],
  setUser: (patch) => [fieldsOf(patch, scalar)],
  updateConfig: (patch) => [fieldsOf(patch, (group, name) => setting(group, name, 2))],
};

const has = (/** @type {object} */ object, /** @type {any} */ key) => Object.hasOwn(object, key);

const only = (/** @type {string} */ type, /** @type {unknown} */ value) =>
  typeof value === type ? value : undefined;

const scalar = (/** @type {unknown} */ value) =>
  /^(string|number|boolean)$/.test(typeof value) || value === null ? value : undefined;

/**
 * @param {any} fields
 * @param {(value: unknown, name: string) => unknown} each
 * @returns {any} nothing if it is no object
 */
function fieldsOf(fields, each) {
  if (!holdsFields(fields)) return undefined;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, each(value, name)]),
  );
}

/** @returns {unknown} so many levels of groups, and of texts only those that mean something */
function setting(
  /** @type {unknown} */ value,
  /** @type {string} */ name,
  /** @type {number} */ levels,
) {
  if (levels > 0 && holdsFields(value)) {
    return fieldsOf(value, (inner, key) => setting(inner, key, levels - 1));
  }
  const text = typeof value === 'string' && !/^(path|baseUrl)$/.test(name);
  return text && !/^(event|session|keep|erase)$/.test(value) ? undefined : scalar(value);
}

/**
 * Numbers and booleans as they are, a text that was vouched for in a list, and null for all else.
 * @param {any} fields
 * @param {any} known the fields that may be stored
 */
const plain = (fields, known) =>
  fieldsOf(fields, (value, name) => {
    if (!known || !has(known, name)) return undefined;
    if (value === undefined || typeof value === 'number' || typeof value === 'boolean') {
      return value;
    }
    const text = textOf(value);
    return text === undefined ? null : [text];
  });

const revived = (/** @type {any} */ fields) =>
  fieldsOf(fields, (value) => (Array.isArray(value) ? verified(value[0], false) : value));

/**
 * There may be no `localStorage`, or it is forbidden or full: then nothing is saved.
 * @template T
 * @param {() => T} act
 */
function quietly(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}
