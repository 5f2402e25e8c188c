// How a process ends: nothing is lost, and nothing of ours holds it up.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { folder, open, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const logThousand = (options, end) => `
  telemetry.init(${JSON.stringify({ serviceName: 'tested', ...options })});
  for (let n = 0; n < 1000; n += 1) telemetry.logEvent('counted', { n });
  ${end}`;

const numbers = Array.from({ length: 1_000 }, (_, n) => n);

function assertEachOnce(events) {
  const got = events.map(({ event_metadata: { n } }) => n).sort((a, b) => a - b);
  assert.deepEqual(got, numbers);
  assert.equal(new Set(events.map(({ event_id }) => event_id)).size, numbers.length);
}

for (const [what, end, code] of [
  ['process.exit() right after the events', 'process.exit(0);', 0],
  ['an uncaught exception', `throw new Error('the host failed');`, 1],
  ['an unhandled rejection', `Promise.reject(new Error('the host failed'));`, 1],
]) {
  test(`${what}: the next start delivers all of them, once`, async (t) => {
    const directory = folder(t);
    // Nobody can be reached: not one event leaves before the end.
    const batch = { baseUrl: 'http://127.0.0.1:9', maxQueueSize: 5_000 };
    const first = await run(t, logThousand({ directory, batch }, end));
    assert.equal(first.code, code, first.stderr);
    assert.ok(readdirSync(directory).length > 0);

    const server = await startServer(t);
    const { telemetry } = open(t, server.url, { directory });
    await until(() => server.events().length >= 1_000);
    await telemetry.flush();
    assertEachOnce(server.events());
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.endsWith('.batch')),
      [],
    );
  });
}

test('exit in the middle of an export: all arrive, at least once', async (t) => {
  const directory = folder(t);
  const server = await startServer(t, async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
  });
  const batch = { baseUrl: server.url, scheduledDelayMillis: 10 };
  const end = 'setTimeout(() => process.exit(0), 100);';
  assert.equal((await run(t, logThousand({ directory, batch }, end))).code, 0);
  const { telemetry } = open(t, server.url, { directory });
  const ids = () => new Set(server.events().map(({ event_id }) => event_id)).size;
  await until(() => ids() >= 1_000);
  await telemetry.flush();
  assert.equal(ids(), 1_000);
});

test('a process that comes to its end exports what waits, and ends', async (t) => {
  const server = await startServer(t);
  const batch = { baseUrl: server.url, scheduledDelayMillis: 3_600_000 };
  const program = logThousand(
    { directory: folder(t), batch: { ...batch, maxExportBatchSize: 10_000 } },
    '',
  );
  const { code, stderr } = await run(t, program);
  assert.equal(code, 0, stderr);
  assertEachOnce(server.events());
});

test('a process with a dead endpoint ends too, and keeps what it has', async (t) => {
  const directory = folder(t);
  const program = logThousand({ directory, batch: { baseUrl: 'http://127.0.0.1:9' } }, '');
  const { code, stdout, stderr } = await run(t, program);
  assert.equal(code, 0, stderr);
  assert.equal(stdout + stderr, '', 'and says nothing');
  const server = await startServer(t);
  open(t, server.url, { directory });
  await until(() => server.events().length >= 1_000);
  assertEachOnce(server.events());
});

test('a process that has nothing but a backlog tries its endpoint once, and ends', async (t) => {
  const directory = folder(t);
  const batch = { baseUrl: 'http://127.0.0.1:9', maxQueueSize: 5_000 };
  await run(t, logThousand({ directory, batch }, 'process.exit(0);'));
  const server = await startServer(t, () => ({ hang: true }));
  // The second try is far off, whatever the jitter.
  const hanging = { baseUrl: server.url, exportTimeoutMillis: 3_000, baseBackoffMillis: 600_000 };
  const patient = { ...hanging, maxBackoffMillis: 86_400_000 };
  const options = { serviceName: 'tested', directory, batch: patient };
  const { code, stderr } = await run(t, `telemetry.init(${JSON.stringify(options)});`);
  assert.deepEqual([code, stderr, server.requests.length], [0, '', 1]);
});

for (const method of ['flush', 'shutdown']) {
  test(`a process that awaits ${method}() gets its outcome, with a dead endpoint too`, async (t) => {
    const program = `
      telemetry.init({
        serviceName: 'tested', store: 'memory', batch: { baseUrl: 'http://127.0.0.1:9' },
      });
      telemetry.logEvent('lost');
      const { delivered } = await telemetry.${method}({ timeoutMillis: 300 });
      console.log(delivered);`;
    const { code, stdout, stderr } = await run(t, program);
    assert.deepEqual([code, stdout, stderr], [0, '0\n', '']);
  });
}

test('our timers alone keep no process alive', async (t) => {
  const program = `
    telemetry.init({
      serviceName: 'tested', store: 'memory', consent: 'pending',
      batch: { baseUrl: 'http://127.0.0.1:9', scheduledDelayMillis: 3600000 },
    });
    telemetry.logEvent('waiting', { n: 1 });
    await telemetry.ready();
    process.on('exit', () => console.log(telemetry.stats().ledger.queued));`;
  // It would never end otherwise, and this test with it.
  const { code, stdout } = await run(t, program);
  assert.equal(code, 0);
  assert.equal(stdout, '1\n');
});

test('a killed process loses nothing that was written ahead', async (t) => {
  const directory = folder(t);
  const options = {
    serviceName: 'tested',
    directory,
    durability: 'write-ahead',
    batch: {
      baseUrl: 'http://127.0.0.1:9',
      scheduledDelayMillis: 3_600_000,
      exportTimeoutMillis: 100,
    },
  };
  const program = `
    telemetry.init(${JSON.stringify(options)});
    for (let n = 0; n < 1000; n += 1) telemetry.logEvent('counted', { n });
    const timer = setInterval(() => {
      if (telemetry.stats().store.events < 1000) return;
      process.kill(process.pid, 'SIGKILL');
    }, 10);`;
  const { signal } = await run(t, program);
  assert.equal(signal, 'SIGKILL');
  const server = await startServer(t);
  // The lease that the dead one held runs out after ten seconds and some.
  open(t, server.url, { directory });
  await until(() => server.events().length >= 1_000, 'all delivered', 180_000);
  assertEachOnce(server.events());
});

test('two processes that start after a crash share the work and double nothing', async (t) => {
  const directory = folder(t);
  const batch = { baseUrl: 'http://127.0.0.1:9', maxExportBatchSize: 20, maxQueueSize: 5_000 };
  await run(t, logThousand({ directory, batch }, 'process.exit(0);'));
  const server = await startServer(t);
  const { url: baseUrl } = server;
  const program = `
    telemetry.init(${JSON.stringify({ serviceName: 'tested', directory, batch: { baseUrl } })});
    await telemetry.ready();
    await telemetry.flush();`;
  await Promise.all([run(t, program), run(t, program)]);
  assertEachOnce(server.events());
});
