// Remote configuration is data from a network: whatever it holds, nothing throws, every setting stays
// within its range, and events go to no origin but those that the host allowed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dice } from '../support/dice.mjs';
import { folder, start, Telemetry } from '../support/package.mjs';
import { seed } from '../support/seed.mjs';
import { carrier } from './values.mjs';

const cases = Number(process.env.HOSTILE_CALLS ?? 3_000);

const allowedOrigins = ['https://t.example.com', 'https://t.example.com:8443', 'http://localhost'];
const origins = new Set(allowedOrigins.map((each) => new URL(each).origin));

const pieces = [
  ...['https:', 'http:', 'javascript:', 'data:', 'file:', 'blob:', 'ws:', 'HTTPS:', 'https'],
  ...['/', '//', '\\', '\\\\', ':', '@', '?', '#', '.', '..', '%2e', '%2f', '%40', '%00', '%'],
  ...['t.example.com', 'T.EXAMPLE.COM', 'evil.example', 'example.com', 't.example', 'localhost'],
  ...['user', 'user:secret@', '@evil.example', '.evil.example', '127.0.0.1', '127.1', '0177.0.0.1'],
  ...['2130706433', '0x7f000001', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '[0:0:0:0:0:0:0:1]'],
  ...[
    ':80',
    ':443',
    ':8443',
    ':0',
    ':65536',
    ':00443',
    ':+443',
    ': 443',
    'xn--bcher-kva',
    'bücher',
  ],
  ...[
    '。',
    '．',
    'ｔ.example.com',
    '\u00ad',
    '\u200b',
    '\t',
    '\n',
    '\r',
    ' ',
    '\0',
    'a',
    'in',
    '~',
  ],
];

/** An address of pieces; often one that is sound but for one of them. */
function address(random) {
  const some = (most) =>
    Array.from({ length: random.between(0, most) }, () => random.pick(pieces)).join('');
  if (random.between(0, 2) === 0) return some(7);
  const sound = random.pick([...allowedOrigins, 'https://evil.example', 'http://127.0.0.1:9']);
  const at = random.between(0, sound.length);
  return sound.slice(0, at) + some(2) + sound.slice(at) + some(2);
}

const goesWhereAllowed = (url, why) => {
  if (url === '') return;
  const read = new URL(url);
  assert.ok(origins.has(read.origin), `${why}: ${url}`);
  assert.equal(read.username + read.password + read.search + read.hash, '', why);
  // A reader that repairs nothing finds the same in it.
  assert.equal(read.href, url, why);
};

const seenByFetch = (t) => {
  const { fetch } = globalThis;
  t.after(() => Object.assign(globalThis, { fetch }));
  const urls = [];
  globalThis.fetch = async (url) => {
    urls.push(String(url));
    return new Response();
  };
  return urls;
};

test(`no patch turns events elsewhere: ${cases} addresses, seed ${seed}`, async (t) => {
  const urls = seenByFetch(t);
  const random = dice(seed);
  const telemetry = new Telemetry({
    serviceName: 'tested',
    store: 'memory',
    allowedOrigins,
    batch: { skipAuth: true },
  });
  t.after(() => telemetry.shutdown({ timeoutMillis: 0 }));
  let accepted = 0;
  for (let n = 0; n < cases; n += 1) {
    const baseUrl = address(random);
    const path = random.between(0, 1) ? `/${address(random)}` : random.pick(pieces);
    const { rejected } = telemetry.updateConfig({ batch: { baseUrl, path } });
    const why = JSON.stringify({ baseUrl, path });
    goesWhereAllowed(telemetry.stats().endpoint.url, why);
    if (rejected.every((each) => each.path !== 'batch.baseUrl')) {
      accepted += 1;
      // What was taken is what a browser would take for it.
      const given = new URL(baseUrl);
      assert.equal(new URL(telemetry.stats().endpoint.url).origin, given.origin, why);
    }
    if (n % 50 === 0) {
      telemetry.logEvent('sent', { n });
      await telemetry.flush({ timeoutMillis: 50 });
    }
  }
  assert.ok(accepted > 20, `${accepted}`);
  assert.ok(urls.length > 0);
  for (const url of urls) goesWhereAllowed(url, 'fetch');
});

test(`nor do options with allowedOrigins, and without them http: is loopback's, seed ${seed}`, async (t) => {
  const urls = seenByFetch(t);
  const random = dice(seed);
  for (let n = 0; n < cases / 10; n += 1) {
    const [baseUrl, path] = [address(random), `/${random.pick(pieces)}`];
    const guarded = random.between(0, 1) === 1;
    const telemetry = new Telemetry({
      serviceName: 'tested',
      store: 'memory',
      batch: { baseUrl, path },
      ...(guarded && { allowedOrigins }),
    });
    const { url } = telemetry.stats().endpoint;
    const why = JSON.stringify({ baseUrl, path, guarded });
    if (guarded) goesWhereAllowed(url, why);
    else if (url !== '') {
      const { protocol, hostname, origin, href } = new URL(url);
      const loopback = /^(127\.[\d.]+|\[::1\]|(.+\.)?localhost)$/.test(hostname);
      assert.ok(protocol === 'https:' || (protocol === 'http:' && loopback), why);
      assert.equal(origin, new URL(baseUrl).origin, why);
      assert.equal(href.toLowerCase(), url.toLowerCase(), why);
    }
    telemetry.updateConfig({ batch: { baseUrl: address(random) } });
    const after = telemetry.stats().endpoint.url;
    if (guarded) goesWhereAllowed(after, why);
    else assert.equal(after && new URL(after).origin, url && new URL(url).origin, why);
    await telemetry.shutdown({ timeoutMillis: 0 });
  }
  assert.deepEqual(urls, []);
});

const numbers = {
  scheduledDelayMillis: [10, 3_600_000],
  maxExportBatchSize: [1, 10_000],
  maxExportBatchBytes: [1_024, 16_777_216],
  maxQueueSize: [1, 1_000_000],
  maxQueueBytes: [1_024, 268_435_456],
  maxAttempts: [1, 100],
  exportTimeoutMillis: [10, 600_000],
  baseBackoffMillis: [1, 600_000],
  maxBackoffMillis: [1, 86_400_000],
  maxStoreBytes: [0, 1_099_511_627_776],
  maxStoreAgeMillis: [1_000, 31_536_000_000],
};

/** A value of any kind, good ones among them. */
function anything(random, depth = 3) {
  const boom = () => {
    throw new Error('boom');
  };
  const cycle = {};
  Object.assign(cycle, { cycle, batch: cycle, sampling: cycle, killed: cycle });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const nested = () => patch(random, depth - 1);
  return random.pick([
    () => random.pick([0, 1, -1, 0.5, 10, 200, 1e9, 2 ** 53, -0, Number.NaN, Infinity, -Infinity]),
    () => random.pick([true, false, null, undefined, '', 'session', 'erase', '7', 7n, Symbol('s')]),
    () => carrier(random, 'text'),
    () => 'x'.repeat(random.pick([1, 300, 2 ** 20])),
    () => cycle,
    () => proxy,
    () => new Proxy({}, { ownKeys: boom, get: boom, has: boom, getOwnPropertyDescriptor: boom }),
    () => new Proxy({ batch: 1 }, { get: boom }),
    () => Object.defineProperty({}, 'batch', { get: boom, enumerable: true }),
    () => Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`key${n}`, n])),
    () => Array.from({ length: 3_000 }, () => ({ sample_rate: 0.5 })),
    () =>
      JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    () => (depth > 0 ? nested() : {}),
    () => (depth > 0 ? nested() : []),
  ])();
}

function patch(random, depth = 3) {
  const names = ['batch', 'sampling', 'killed', 'until', 'stored', 'sample_rate', 'by', 'skipAuth'];
  const all = [...names, ...Object.keys(numbers), 'path', 'baseUrl', '__proto__', '', '\ud800'];
  return Object.fromEntries(
    Array.from({ length: random.between(0, 5) }, () => {
      const name = depth === 3 ? random.pick(names.slice(0, 3)) : random.pick(all);
      return [name, anything(random, depth)];
    }),
  );
}

test(`no patch and no options throw, or leave a setting out of its range, seed ${seed}`, async (t) => {
  const random = dice(seed);
  const { telemetry, server } = await start(t, { batch: { skipAuth: true } });
  for (let n = 0; n < cases / 10; n += 1) {
    const report = telemetry.updateConfig(anything(random));
    assert.ok(Array.isArray(report.changed) && Array.isArray(report.rejected));
    for (const { path, reason } of report.rejected) {
      assert.equal(typeof path, 'string');
      assert.ok(path.length < 10_000 && reason.length < 300, reason);
    }
    const { config, sizes } = telemetry.stats();
    for (const [name, [least, most]] of Object.entries(numbers)) {
      const value = config.batch[name];
      assert.ok(Number.isInteger(value) && value >= least && value <= most, `${name}: ${value}`);
    }
    for (const { sample_rate } of Object.values(config.sampling)) {
      assert.ok(sample_rate >= 0 && sample_rate <= 1);
    }
    assert.ok(Object.keys(config.sampling).length <= 10_000);
    assert.ok(sizes.memoryBytes < 64 * 2 ** 20, `${sizes.memoryBytes}`);
    assert.equal({}.polluted, undefined);
  }
  // And it is what it was, when all is taken back.
  telemetry.updateConfig({ batch: null, sampling: null, killed: null });
  telemetry.logEvent('after', { n: 1 });
  await telemetry.flush();
  assert.equal(server.events().at(-1).event_name, 'after');
});

test(`options of every kind: a TypeError for want of a serviceName, or an instance, seed ${seed}`, async (t) => {
  const random = dice(seed);
  const names = [
    ...['serviceVersion', 'resource', 'format', 'headers', 'auth', 'batch', 'sampling', 'killed'],
    ...['consent', 'respectGpc', 'userId', 'sessionId', 'user', 'context', 'enrich', 'events'],
    ...['allowedOrigins', 'durability', 'exit', 'onDiagnostic', 'strict', 'compression', 'else'],
  ];
  for (let n = 0; n < cases / 10; n += 1) {
    const options = {
      store: random.pick(['memory', 'memory', anything(random)]),
      directory: folder(t),
    };
    for (let count = random.between(0, 6); count > 0; count -= 1) {
      options[random.pick(names)] = anything(random);
    }
    assert.throws(() => new Telemetry(anything(random, 0) ?? null), TypeError);
    const telemetry = new Telemetry({ serviceName: 'tested', ...options });
    try {
      telemetry.logEvent('logged', { n });
    } catch (error) {
      assert.ok(error instanceof TypeError);
    }
    await telemetry.shutdown({ timeoutMillis: 0 });
    assert.notEqual(telemetry.stats().state, 'unavailable');
  }
});
