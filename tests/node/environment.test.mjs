// Who is never logged, and what the environment's variables say.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { folder, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';

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
  ['DO_NOT_TRACK=0', { DO_NOT_TRACK: '0' }, {}, true],
  ['OTEL_SDK_DISABLED=true', { OTEL_SDK_DISABLED: 'true' }, {}, false],
  ['OTEL_SDK_DISABLED=TRUE, enabled', { OTEL_SDK_DISABLED: 'TRUE' }, { enabled: true }, false],
  ['OTEL_SDK_DISABLED=false', { OTEL_SDK_DISABLED: 'false' }, {}, true],
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
    OTEL_BLRP_EXPORT_TIMEOUT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'not a url',
    OTEL_RESOURCE_ATTRIBUTES: 'no-pair',
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
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_RESOURCE_ATTRIBUTES',
  ]);
  assert.equal(server.events().length, 1);
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
