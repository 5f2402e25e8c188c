// Values that the tests of the client can't make in Rust, by name.

const cycle = {};
cycle.self = cycle;

const revoked = Proxy.revocable({}, {});
revoked.revoke();

const throwing = new Proxy(
  {},
  {
    get() {
      throw new Error('get');
    },
    ownKeys() {
      throw new Error('ownKeys');
    },
    getPrototypeOf() {
      throw new Error('getPrototypeOf');
    },
  },
);

const lying = new Proxy(
  { one: 1 },
  {
    ownKeys: () => ['one', 'two'],
    getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
    get: (_, key) => (key === 'one' ? {} : 2),
  },
);

const thrower = {
  enumerable: true,
  get() {
    throw new Error('getter');
  },
};

/** A store that answers at once. */
function hostStore() {
  const records = new Map();
  return {
    get size() {
      return records.size;
    },
    list: () => [],
    put: (entry, bytes) => void records.set(entry.key, bytes),
    claim: ({ key }) => records.get(key),
    mark: () => true,
    remove: (key) => void records.delete(key),
    quarantine: (key) => void records.delete(key),
    clear: () => records.clear(),
  };
}

const dead = { baseUrl: 'http://127.0.0.1:9', scheduledDelayMillis: 3_600_000 };

const values = {
  nothing: () => undefined,
  null: () => null,
  'nothing to fill': () => ({}),
  'good fields': () => ({ items: 3, express: true, later: undefined, 'ünï 😀': -0.5 }),
  'bad fields': () =>
    Object.defineProperty(
      {
        text: 'free text',
        list: [1],
        object: {},
        nothing: null,
        big: 1n,
        call: () => 1,
        symbol: Symbol('s'),
        infinite: Number.POSITIVE_INFINITY,
      },
      'thrower',
      thrower,
    ),
  'text field': () => ({ x: 1, y: 'free text' }),
  'look-alike': () => ({ plan: Object.freeze(Object.create(null)) }),
  'throwing proxy': () => throwing,
  'revoked proxy': () => revoked.proxy,
  'lying proxy': () => lying,
  cycle: () => cycle,
  proto: () => JSON.parse('{"__proto__":1,"constructor":2,"then":3}'),
  'huge key': () => ({ ['k'.repeat(1 << 20)]: 1 }),
  'huge text': () => 'x'.repeat(1 << 20),
  'lone surrogate': () => 'half \ud83d',
  'a string': () => 'text',
  'a number': () => 17,
  'a function': () => () => 1,
  'a symbol': () => Symbol('s'),
  strict: () => ({ strict: true }),
  disabled: () => ({ enabled: false }),
  enabled: () => ({ enabled: true }),
  'host of a test environment': () => ({ disabled: 'NODE_ENV is test' }),
  'host where tracking is unwanted': () => ({ disabled: 'DO_NOT_TRACK is 1' }),
  'dead endpoint': () => ({ batch: dead }),
  'auth that throws': () => ({
    batch: dead,
    auth() {
      throw new Error('secret');
    },
  }),
  'auth that rejects': () => ({ batch: dead, auth: () => Promise.reject(new Error('secret')) }),
  'auth that gives a line break': () => ({ batch: dead, auth: () => 'secret\r\nX-Evil: 1' }),
  'host store': () => ({ batch: dead, store: hostStore() }),
  'enrich at once': () => ({ enrich: () => ({ added: 1 }) }),
  'enrich that throws': () => ({
    enrich() {
      throw new Error('enrich');
    },
  }),
  'enrich that never answers': () => ({ enrich: () => new Promise(() => {}) }),
  exposure: () => ({
    experimentId: 'new-nav',
    variationId: 1,
    userAttributes: { sessionId: 's', plan: 'pro' },
    experimentMetadata: {},
  }),
  'exposure of no id': () => ({ variationId: 1 }),
  'exposure of no variation': () => ({ experimentId: 'new-nav', variationId: -1 }),
  'exposure of a cycle': () => ({ experimentId: 'x', variationId: 0, userAttributes: cycle }),
  'two fields': () => ({ x: 3.5, y: true, none: undefined }),
  patch: () => ({
    batch: Object.defineProperties(
      { maxQueueSize: 5, maxAttempts: 'many', path: undefined },
      { thrower, novel: { value: 1, enumerable: true } },
    ),
    sampling: { seldom: { sample_rate: 0.25, by: 'session' }, broken: { sample_rate: 2 } },
    killed: { until: 1, stored: 'erase' },
    future: 1,
  }),
  reset: () => ({ batch: null, sampling: null }),
  'bad options': () => ({
    auth: 'Bearer',
    consent: 'maybe',
    durability: 1,
    exit: 'never',
    enrich: {},
    strict: 'yes',
    format: 'xml',
    context: 'text',
    store: { list() {} },
    headers: {
      Authorization: 'Bearer secret',
      'X-Line': 'a\r\nb',
      'a b': 'c',
      'Content-Type': 'text/plain',
      'X-Good': 'yes',
    },
  }),
};

export const value = (name) => {
  if (!Object.hasOwn(values, name)) throw new Error(`no value is named ${name}`);
  return values[name]();
};

/** Options that keep their diagnostics. */
export function options(more) {
  const told = [];
  return {
    serviceName: 'edge test',
    store: 'memory',
    onDiagnostic({ code, field, message }) {
      told.push(`${code} ${field ?? ''}: ${message}`);
      throw new Error('a callback that throws');
    },
    ...more,
    told,
  };
}

export const told = (options) => options.told;

export const at = (value, path) => path.split('.').reduce((part, key) => part?.[key], value);

export function verified(text) {
  const symbol = Symbol.for('wasm-telemetry.verified');
  globalThis[symbol] ??= new WeakMap();
  const made = Object.freeze(Object.create(null));
  globalThis[symbol].set(made, text);
  return made;
}

export function stage(memory, address, words) {
  new Float64Array(memory.buffer, address, words.length).set(words);
}

export const logFrom = (log) => ({
  get x() {
    log();
    return 1;
  },
});

export const settled = async (promise) => promise;
