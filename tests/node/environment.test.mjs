// Who is never logged, and what the environment's variables say.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { folder, open, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';

/** Sets variables of this process until the test ends. */
function setVariables(t, variables) {
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

/** Logs one event with these variables set; the request that it makes, and what is told meanwhile. */
async function sent(t, variables, { server, ...options } = {}) {
  setVariables(t, variables);
  const { telemetry, diagnostics } = open(t, undefined, { store: 'memory', ...options });
  for (const name of Object.keys(variables)) delete process.env[name];
  telemetry.logEvent('logged', { n: 1 });
  const { delivered } = await telemetry.flush();
  return { request: server?.requests.at(-1), delivered, diagnostics, telemetry };
}

/** The variables that were rejected. Whatever holds `secret` must not have been told. */
function rejected(diagnostics) {
  assert.doesNotMatch(JSON.stringify(diagnostics), /secret/);
  return diagnostics.filter(({ code }) => code === 'option_rejected').map(({ field }) => field);
}

const options = { serviceName: 'tested', store: 'memory' };

/** The statistics of a process that logs one event to that endpoint, and flushes. */
async function outcome(t, url, env, more = {}) {
  const diagnostics = [];
  const given = JSON.stringify({ ...options, batch: { baseUrl: url }, ...more });
  const { stdout, stderr, code } = await run(
    t,
    `const diagnostics = [];
    telemetry.init({ ...${given}, onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) });
    telemetry.logEvent('logged', { n: 1 });
    await telemetry.flush();
    console.log(JSON.stringify({ stats: telemetry.stats(), diagnostics }));`,
    { env },
  );
  assert.equal(code, 0, stderr);
  return { diagnostics, ...JSON.parse(stdout) };
}

for (const [name, env, more, logged] of [
  ['nothing', {}, {}, true],
  ['enabled: false', {}, { enabled: false }, false],
  ['NODE_ENV=test', { NODE_ENV: 'test' }, {}, false],
  ['NODE_ENV=test, enabled: true', { NODE_ENV: 'test' }, { enabled: true }, true],
  ['NODE_ENV=production', { NODE_ENV: 'production' }, {}, true],
  ['DO_NOT_TRACK=1', { DO_NOT_TRACK: '1' }, {}, false],
  ['DO_NOT_TRACK=1, enabled: true', { DO_NOT_TRACK: '1' }, { enabled: true }, false],
  ['DO_NOT_TRACK=yes', { DO_NOT_TRACK: 'yes' }, {}, false],
  ['DO_NOT_TRACK=0', { DO_NOT_TRACK: '0' }, {}, true],
  ['DO_NOT_TRACK=False', { DO_NOT_TRACK: 'False' }, {}, true],
  ['DO_NOT_TRACK, empty', { DO_NOT_TRACK: ' ' }, {}, true],
  ['OTEL_SDK_DISABLED=true', { OTEL_SDK_DISABLED: 'true' }, {}, false],
  ['OTEL_SDK_DISABLED=TRUE, enabled', { OTEL_SDK_DISABLED: 'TRUE' }, { enabled: true }, false],
  ['OTEL_SDK_DISABLED=false', { OTEL_SDK_DISABLED: 'false' }, {}, true],
  ['OTEL_SDK_DISABLED=1', { OTEL_SDK_DISABLED: '1' }, {}, true],
]) {
  test(`${name}: ${logged ? 'logged' : 'not logged'}`, async (t) => {
    const server = await startServer(t);
    const { stats } = await outcome(t, server.url, env, more);
    assert.equal(server.events().length, logged ? 1 : 0);
    assert.equal(stats.state, logged ? 'running' : 'disabled');
    assert.equal(stats.ledger.accepted, logged ? 1 : 0);
    assert.equal(stats.ledger.suppressed, logged ? 0 : 1);
  });
}

test('a disabled process touches no disk', async (t) => {
  const home = folder(t);
  const program = `
    telemetry.init({ serviceName: 'tested' });
    telemetry.logEvent('unheard');
    await telemetry.ready();`;
  const { code } = await run(t, program, { env: { HOME: home, DO_NOT_TRACK: '1' } });
  assert.equal(code, 0);
  assert.deepEqual(readdirSync(home), []);
});

test("OpenTelemetry's variables are defaults that options win over", async (t) => {
  const server = await startServer(t);
  const { stdout, stderr } = await run(
    t,
    `telemetry.init({
      store: 'memory',
      resource: { 'deployment.environment': 'test', team: 'mine' },
      batch: { maxQueueSize: 77 },
    });
    telemetry.logEvent('logged');
    await telemetry.flush();
    console.log(JSON.stringify(telemetry.stats().config.batch));`,
    {
      env: {
        OTEL_SERVICE_NAME: 'from-env',
        OTEL_RESOURCE_ATTRIBUTES: 'service.version=2.0,team=theirs,region=eu%20west',
        OTEL_BLRP_SCHEDULE_DELAY: '1234',
        OTEL_BLRP_MAX_QUEUE_SIZE: '555',
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '44',
        OTEL_BLRP_EXPORT_TIMEOUT: '4321',
        OTEL_EXPORTER_OTLP_ENDPOINT: `${server.url}/`,
      },
    },
  );
  assert.equal(stderr, '');
  const batch = JSON.parse(stdout);
  assert.equal(batch.scheduledDelayMillis, 1_234);
  assert.equal(batch.maxQueueSize, 77);
  assert.equal(batch.maxExportBatchSize, 44);
  assert.equal(batch.exportTimeoutMillis, 4_321);
  const [{ body }] = server.requests;
  assert.deepEqual(body.resource, {
    'service.name': 'from-env',
    'service.version': '2.0',
    'deployment.environment': 'test',
    team: 'mine',
    region: 'eu west',
  });
});

test('remote configuration wins over the environment', async (t) => {
  const { stdout } = await run(
    t,
    `telemetry.init({ serviceName: 'tested', store: 'memory' });
    telemetry.updateConfig({ batch: { scheduledDelayMillis: 99 } });
    console.log(telemetry.stats().config.batch.scheduledDelayMillis);`,
    { env: { OTEL_LOGS_EXPORT_INTERVAL: '1234' } },
  );
  assert.equal(stdout, '99\n');
});

test('variables that make no sense are passed over, each with a word', async (t) => {
  const server = await startServer(t);
  const { stats, diagnostics } = await outcome(t, server.url, {
    OTEL_BLRP_SCHEDULE_DELAY: 'soon',
    OTEL_BLRP_MAX_QUEUE_SIZE: '-1',
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '1e9',
    OTEL_BLRP_EXPORT_TIMEOUT: '1.5',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'not a url',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd',
    OTEL_RESOURCE_ATTRIBUTES: 'no-pair',
    OTEL_SDK_DISABLED: 'yes',
  });
  const { batch } = stats.config;
  assert.equal(batch.scheduledDelayMillis, 10_000);
  assert.equal(batch.maxQueueSize, 8_192);
  assert.equal(batch.maxExportBatchSize, 200);
  assert.equal(batch.exportTimeoutMillis, 10_000);
  const told = diagnostics.filter(({ code }) => code === 'option_rejected');
  assert.deepEqual(told.map(({ field }) => field).sort(), [
    'OTEL_BLRP_EXPORT_TIMEOUT',
    'OTEL_BLRP_MAX_EXPORT_BATCH_SIZE',
    'OTEL_BLRP_MAX_QUEUE_SIZE',
    'OTEL_BLRP_SCHEDULE_DELAY',
    'OTEL_EXPORTER_OTLP_COMPRESSION',
    'OTEL_RESOURCE_ATTRIBUTES',
    'OTEL_SDK_DISABLED',
  ]);
  assert.equal(server.events().length, 1);
});

test('empty variables are none', async (t) => {
  const names = ['OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES', 'OTEL_LOGS_EXPORT_INTERVAL'];
  for (const name of [
    'SCHEDULE_DELAY',
    'MAX_QUEUE_SIZE',
    'MAX_EXPORT_BATCH_SIZE',
    'EXPORT_TIMEOUT',
  ])
    names.push(`OTEL_BLRP_${name}`);
  for (const name of ['ENDPOINT', 'HEADERS', 'COMPRESSION'])
    names.push(`OTEL_EXPORTER_OTLP_${name}`, `OTEL_EXPORTER_OTLP_LOGS_${name}`);
  names.push('OTEL_SDK_DISABLED', 'DO_NOT_TRACK');
  for (const empty of ['', ' \t']) {
    const server = await startServer(t);
    const variables = Object.fromEntries(names.map((name) => [name, empty]));
    const batch = { baseUrl: server.url };
    const { delivered, diagnostics } = await sent(t, variables, { server, batch });
    assert.deepEqual({ delivered, diagnostics }, { delivered: 1, diagnostics: [] });
  }
});

for (const [what, text, wanted] of [
  [
    'decoded',
    'a%2Cb=1%3D%C3%A9, spaced = in the middle ,',
    { 'a,b': '1=é', spaced: 'in the middle' },
  ],
  ['nothing', ',,', {}],
  ['an empty value', 'a=', { a: '' }],
  // A name is data, whatever objects have under it.
  ['a prototype', '__proto__=x,constructor=y', { ['__proto__']: 'x', constructor: 'y' }],
  ['= in a value: none', 'a=1,b=x=secret', undefined],
  ['no key: none', 'a=1,=secret', undefined],
  ['no pair: none', 'a=1,secret', undefined],
  ['a broken %: none', 'a=1,b=%secret', undefined],
]) {
  test(`OTEL_RESOURCE_ATTRIBUTES, ${what}`, async (t) => {
    const server = await startServer(t);
    const batch = { baseUrl: server.url };
    const variables = { OTEL_RESOURCE_ATTRIBUTES: text };
    const { request, diagnostics } = await sent(t, variables, { server, batch });
    assert.deepEqual(request.body.resource, { 'service.name': 'tested', ...wanted });
    assert.deepEqual(rejected(diagnostics), wanted ? [] : ['OTEL_RESOURCE_ATTRIBUTES']);
  });
}

test('the name of the service: option, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES', async (t) => {
  const server = await startServer(t);
  const batch = { baseUrl: server.url };
  const OTEL_RESOURCE_ATTRIBUTES = 'service.name=third';
  const OTEL_SERVICE_NAME = 'second';
  for (const [variables, serviceName, wanted] of [
    [{ OTEL_RESOURCE_ATTRIBUTES }, undefined, 'third'],
    [{ OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME }, undefined, 'second'],
    [{ OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME }, 'first', 'first'],
  ]) {
    const { request } = await sent(t, variables, { server, batch, serviceName });
    assert.deepEqual(request.body.resource, { 'service.name': wanted });
  }
});

test('OTEL_BLRP_SCHEDULE_DELAY wins over OTEL_LOGS_EXPORT_INTERVAL; a time-out of 0 is none', async (t) => {
  const { telemetry, diagnostics } = await sent(
    t,
    {
      OTEL_BLRP_SCHEDULE_DELAY: ' 1000 ',
      OTEL_LOGS_EXPORT_INTERVAL: '2000',
      OTEL_BLRP_EXPORT_TIMEOUT: '0',
    },
    { batch: { scheduledDelayMillis: undefined } },
  );
  const { batch } = telemetry.stats().config;
  assert.deepEqual([batch.scheduledDelayMillis, batch.exportTimeoutMillis], [1_000, 600_000]);
  assert.deepEqual(rejected(diagnostics), []);
});

const all = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const logs = 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT';

for (const [what, variables, wanted, batch, format] of [
  ['a base', { [all]: '/' }, '/api/event_logging/batch'],
  ['a base for OTLP', { [all]: '/in/' }, '/in/v1/logs', {}, 'otlp-json'],
  ['a base for OTLP', { [all]: '' }, '/v1/logs', {}, 'otlp-protobuf'],
  ['as it is for OTLP', { [logs]: '/in' }, '/in', {}, 'otlp-protobuf'],
  ['a base with a path', { [all]: '/in/' }, '/in/api/event_logging/batch'],
  ['as it is', { [logs]: '/in/v1/logs' }, '/in/v1/logs'],
  ['as it is, with its last /', { [logs]: '/in/v1/logs/' }, '/in/v1/logs/'],
  ['as it is, without a path', { [logs]: '' }, '/'],
  ['both', { [all]: '/all', [logs]: '/logs' }, '/logs'],
  ['one that is none', { [all]: '/all', [logs]: '/logs?secret' }, '/all/api/event_logging/batch'],
  ['and the option path', { [logs]: '/in/v1/logs' }, '/mine', { path: '/mine' }],
]) {
  test(`the endpoint of the environment, ${what}: ${wanted}`, async (t) => {
    const server = await startServer(t);
    const whole = Object.entries(variables).map(([name, path]) => [name, server.url + path]);
    const more = { server, batch, format };
    const { request, diagnostics } = await sent(t, Object.fromEntries(whole), more);
    assert.equal(request.path, wanted);
    assert.deepEqual(rejected(diagnostics), what === 'one that is none' ? [logs] : []);
  });
}

test("the program's baseUrl leaves nothing of the environment's endpoint", async (t) => {
  const server = await startServer(t);
  const other = await startServer(t);
  const batch = { baseUrl: server.url };
  const { request } = await sent(t, { [logs]: `${other.url}/v1/logs` }, { server, batch });
  assert.equal(request.path, '/api/event_logging/batch');
  assert.deepEqual(other.requests, []);
});

test('allowedOrigins bind the environment too', async (t) => {
  const server = await startServer(t);
  const allowedOrigins = ['https://t.example.com'];
  const { delivered, telemetry } = await sent(t, { [all]: server.url }, { server, allowedOrigins });
  assert.equal(delivered, 0);
  assert.equal(telemetry.stats().config.batch.baseUrl, undefined);
  assert.deepEqual(server.requests, []);
});

test("remote configuration wins over the environment's path", async (t) => {
  const server = await startServer(t);
  const { telemetry } = await sent(t, { [logs]: `${server.url}/v1/logs` }, { server });
  telemetry.updateConfig({ batch: { path: '/remote' } });
  telemetry.logEvent('logged');
  await telemetry.flush();
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ['/v1/logs', '/remote'],
  );
});

test('an endpoint that could be read in two ways, or over which others could listen, is none', async (t) => {
  for (const text of [
    'http://secret.example',
    'http://127.0.0.1.secret.example/',
    'https://user:secret@example.com/v1/logs',
    'https://example.com/v1/logs?token=secret',
    'https://example.com/v1/logs#secret',
    'https://example.com/secret/../logs',
    'https://example.com/secret/%2e%2e/logs',
    'https://example.com//secret',
    'https://example.com\\@secret.example/',
    'https://exam ple.com/secret',
    'ftp://127.0.0.1/secret',
    'javascript:secret',
    '127.0.0.1:4318/secret',
    'https://',
  ]) {
    for (const name of [all, logs]) {
      const { telemetry, diagnostics } = await sent(t, { [name]: text });
      assert.deepEqual(rejected(diagnostics), [name], text);
      assert.equal(telemetry.stats().config.batch.baseUrl, undefined);
      assert.equal(telemetry.stats().config.batch.path, '/api/event_logging/batch');
    }
  }
});

const headers = 'OTEL_EXPORTER_OTLP_HEADERS';
const logsHeaders = 'OTEL_EXPORTER_OTLP_LOGS_HEADERS';

test('headers: decoded, those for logs win by name, those of the program over all', async (t) => {
  const server = await startServer(t);
  const { request, diagnostics } = await sent(
    t,
    {
      [all]: server.url,
      [headers]: 'X-Tenant=all , x-only-all = a%2Cb%20c,x-both=all,,',
      [logsHeaders]: 'x-TENANT=logs,x-equal=a=b==,x-mine=theirs',
    },
    { server, headers: { 'X-Mine': 'mine' } },
  );
  const got = Object.entries(request.headers).filter(([name]) => name.startsWith('x-'));
  assert.deepEqual(Object.fromEntries(got), {
    'x-tenant': 'logs',
    'x-only-all': 'a,b c',
    'x-both': 'all',
    'x-equal': 'a=b==',
    'x-mine': 'mine',
  });
  assert.deepEqual(diagnostics, []);
});

test('headers that cannot be are told by their place, and the others are sent', async (t) => {
  const server = await startServer(t);
  const bad = [
    'secret',
    '=secret',
    'x-broken=%secret',
    'x-lines=a%0D%0Ax-injected: secret',
    'x-wide=%E2%82%ACsecret',
    'Authorization: Basic c2VjcmV0secret==',
    'content-type=text/secret',
    'Content-Encoding=secret',
    'transfer-encoding=secret',
  ];
  const { request, diagnostics } = await sent(
    t,
    { [all]: server.url, [headers]: `${bad.join(',')},x-good=yes` },
    { server },
  );
  assert.deepEqual(rejected(diagnostics), Array(bad.length).fill(headers));
  assert.match(diagnostics[2].message, /entry 3$/);
  assert.equal(request.headers['x-good'], 'yes');
  assert.equal(request.headers['content-type'], 'application/json');
  for (const name of ['x-broken', 'x-lines', 'x-injected', 'x-wide', 'authorization']) {
    assert.equal(request.headers[name], undefined);
  }
});

test('Authorization of the environment is the default of auth', async (t) => {
  const server = await startServer(t);
  const variables = { [all]: server.url, [headers]: 'Authorization=Bearer%20secret' };
  for (const [options, wanted] of [
    [{}, 'Bearer secret'],
    [{ auth: () => 'Bearer mine' }, 'Bearer mine'],
    [{ auth: () => undefined }, undefined],
    [{ batch: { skipAuth: true } }, undefined],
  ]) {
    const { request, diagnostics } = await sent(t, variables, { server, ...options });
    assert.equal(request.headers.authorization, wanted);
    assert.deepEqual(diagnostics, []);
  }
});

test("headers do not go to another origin than the environment's endpoint", async (t) => {
  const server = await startServer(t);
  const baseUrl = `${server.url}/in`;
  const secrets = { [headers]: 'authorization=secret', [logsHeaders]: 'x-key=secret' };
  for (const [endpoint, wanted] of [
    [undefined, true],
    [{ [all]: `${server.url}/other` }, true],
    [{ [all]: 'https://other.example' }, false],
    [{ [logs]: 'http://collector:4318/v1/logs' }, false],
    [{ [logs]: 'https://other.example', [all]: server.url }, false],
    [{ [all]: 'secret' }, false],
  ]) {
    const variables = { ...secrets, ...endpoint };
    const { request, diagnostics } = await sent(t, variables, { server, batch: { baseUrl } });
    const got = [request.headers.authorization, request.headers['x-key']];
    assert.deepEqual(got, wanted ? ['secret', 'secret'] : [undefined, undefined]);
    assert.deepEqual(rejected(diagnostics), wanted ? [] : [headers, logsHeaders]);
  }
});

test('compression: the option, then for logs, then for all signals; what is unknown is none', async (t) => {
  const server = await startServer(t);
  const base = { [all]: server.url };
  const compression = 'OTEL_EXPORTER_OTLP_COMPRESSION';
  const logsCompression = 'OTEL_EXPORTER_OTLP_LOGS_COMPRESSION';
  for (const [variables, option, wanted, told = []] of [
    [{}, undefined, 'gzip'],
    [{ [compression]: 'none' }, undefined, undefined],
    [{ [compression]: ' NONE ' }, undefined, undefined],
    [{ [compression]: 'none', [logsCompression]: 'Gzip' }, undefined, 'gzip'],
    [{ [compression]: 'none', [logsCompression]: 'br' }, undefined, undefined, [logsCompression]],
    [{ [compression]: 'zstd' }, undefined, 'gzip', [compression]],
    [{ [compression]: 'none' }, 'gzip', 'gzip'],
    [{ [compression]: 'gzip' }, 'none', undefined],
  ]) {
    const more = { server, compression: option, context: { long: 'x'.repeat(1_024) } };
    const { request, diagnostics } = await sent(t, { ...base, ...variables }, more);
    assert.equal(request.headers['content-encoding'], wanted, JSON.stringify(variables));
    assert.deepEqual(rejected(diagnostics), told);
  }
});

test('an environment that may not be read is none', async (t) => {
  const server = await startServer(t);
  const { stdout, stderr } = await run(
    t,
    `process.env = new Proxy(process.env, {
      get(env, name) {
        if (/^(OTEL|DO_NOT|NODE_ENV)/.test(name)) throw new Error('no access');
        return env[name];
      },
    });
    telemetry.init({
      serviceName: 'tested',
      store: 'memory',
      batch: { baseUrl: ${JSON.stringify(server.url)} },
      onDiagnostic: ({ message }) => console.log(message),
    });
    telemetry.logEvent('logged');
    await telemetry.flush();`,
    { env: { OTEL_RESOURCE_ATTRIBUTES: 'a=b', DO_NOT_TRACK: '1' } },
  );
  assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: '' });
  assert.deepEqual(server.requests[0].body.resource, { 'service.name': 'tested' });
});

test('options that cannot be read do not keep the environment from being applied', async (t) => {
  const server = await startServer(t);
  const trap = () => {
    throw new Error('trap');
  };
  const hostile = new Proxy({}, { get: trap, ownKeys: trap, getOwnPropertyDescriptor: trap });
  const { request } = await sent(
    t,
    { [all]: server.url, [headers]: 'x-key=1', OTEL_RESOURCE_ATTRIBUTES: 'a=b' },
    { server, headers: hostile, resource: hostile },
  );
  assert.equal(request.path, '/api/event_logging/batch');
});

test('strict mode is on in development, and only there by itself', async (t) => {
  const program = (strict) => `
    telemetry.init({ serviceName: 'tested', store: 'memory', ...${JSON.stringify({ strict })} });
    try { telemetry.logEvent('bad', { text: 'free' }); console.log('quiet'); }
    catch (error) { console.log(error.name); }`;
  for (const [mode, strict, wanted] of [
    ['development', undefined, 'TypeError'],
    ['development', false, 'quiet'],
    ['production', undefined, 'quiet'],
    ['production', true, 'TypeError'],
  ]) {
    const { stdout } = await run(t, program(strict), { env: { NODE_ENV: mode } });
    assert.equal(stdout, `${wanted}\n`, `${mode} ${strict}`);
  }
});

test('a service without a name is refused with the remedy', async (t) => {
  const { stderr, code } = await run(t, `telemetry.init({});`);
  assert.equal(code, 1);
  assert.match(stderr, /TypeError: .*serviceName.*OTEL_SERVICE_NAME/);
});

test('without a folder to write to, batches are kept in memory, and that is said', async (t) => {
  const server = await startServer(t);
  const home = folder(t);
  const { stats, diagnostics } = await outcome(
    t,
    server.url,
    { HOME: home },
    { store: undefined, directory: '/dev/null/nowhere' },
  );
  assert.equal(stats.store.kind, 'memory');
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['store_memory'],
  );
  assert.equal(server.events().length, 1);
});
