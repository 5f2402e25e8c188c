// A process that ends within a callback of its host's or in a worker thread, or that has little left.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist, folder, open, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const events = 100;
const log = `for (let n = 0; n < ${events}; n += 1) telemetry.logEvent('counted', { n });`;

async function assertAllAtNextStart(t, directory) {
  const server = await startServer(t);
  const { telemetry } = open(t, server.url, { directory });
  const counted = () => server.events().filter(({ event_name }) => event_name === 'counted');
  await until(() => counted().length >= events);
  await telemetry.flush();
  assert.deepEqual(
    counted()
      .map(({ event_metadata: { n } }) => n)
      .sort((a, b) => a - b),
    Array.from({ length: events }, (_, n) => n),
  );
}

for (const [where, { option = '', after }] of Object.entries({
  onDiagnostic: {
    option: 'onDiagnostic: () => process.exit(7)',
    after: `telemetry.logEvent('odd', { text: 'not verified' });`,
  },
  // Asked when all are logged, and the first batch is to be sent.
  auth: {
    option: 'auth: () => process.exit(7), consent: "pending"',
    after: `telemetry.setConsent('granted');`,
  },
  enrich: {
    option: `enrich: (name) => { if (name === 'odd') process.exit(7); }`,
    after: `telemetry.logEvent('odd');`,
  },
  'an enrich that takes its time': {
    option: `enrich: async (name) => {
      await new Promise((resolve) => setTimeout(resolve, name === 'odd' ? 0 : 3_600_000));
      process.exit(7);
    }`,
    after: `telemetry.logEvent('odd');`,
  },
  'a getter of the metadata': {
    after: `telemetry.logEvent('odd', { get n() { process.exit(7); } });`,
  },
  'a getter of the attributes of an exposure': {
    after: `telemetry.logExperiment({
      experimentId: 'odd', variationId: 1, userAttributes: { get n() { process.exit(7); } },
    });`,
  },
})) {
  test(`process.exit() within ${where} loses nothing that came before`, async (t) => {
    const directory = folder(t);
    const { code, stderr } = await run(
      t,
      `telemetry.init({
        serviceName: 'tested', directory: ${JSON.stringify(directory)},
        batch: { baseUrl: 'http://127.0.0.1:9', maxExportBatchSize: 30 },
        ${option}
      });
      ${log} ${after}
      setInterval(() => {}, 60_000);`,
    );
    assert.deepEqual([code, stderr], [7, '']);
    await assertAllAtNextStart(t, directory);
  });
}

for (const method of ['flush', 'shutdown']) {
  test(`${method}() takes in what still waits for enrich`, async (t) => {
    const server = await startServer(t);
    const { telemetry } = open(t, server.url, { enrich: () => new Promise(() => {}) });
    for (let n = 0; n < events; n += 1) telemetry.logEvent('counted', { n });
    assert.equal((await telemetry[method]()).delivered, events);
    assert.equal(server.events().length, events);
  });
}

/** A worker thread that logs and then does something. */
const worker = (directory, then) => `
  import { Worker } from 'node:worker_threads';
  const thread = new Worker(${JSON.stringify(`
    import(${JSON.stringify(join(dist, 'index.js'))}).then((telemetry) => {
      telemetry.init({
        serviceName: 'tested', directory: ${JSON.stringify(directory)},
        batch: { baseUrl: 'http://127.0.0.1:9', maxExportBatchSize: 30 },
      });
      ${log}
      ${then}
    })`)}, { eval: true });`;

for (const [what, then, code] of [
  ['process.exit()', 'process.exit(3);', 3],
  ['an uncaught exception', `setTimeout(() => { throw new Error('failed'); });`, 1],
  ['its end', '', 0],
]) {
  test(`a worker thread ends by ${what}: its events are stored, and the process goes on`, async (t) => {
    const directory = folder(t);
    const ended = await run(
      t,
      `${worker(directory, then)}
      thread.on('error', () => {});
      thread.on('exit', (code) => setTimeout(() => console.log(code), 20));`,
    );
    assert.deepEqual([ended.code, ended.stdout], [0, `${code}\n`], ended.stderr);
    await assertAllAtNextStart(t, directory);
  });
}

test('a worker thread listens to no signals', async (t) => {
  const directory = folder(t);
  const { signal, stdout } = await run(
    t,
    `${worker(
      directory,
      `import('node:worker_threads').then(({ parentPort }) => parentPort.postMessage(
        ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => process.listenerCount(name))));
      setInterval(() => {}, 60_000);`,
    )}
    thread.on('message', (counts) => {
      process.stdout.write(String(counts), () => process.kill(process.pid, 'SIGTERM'));
    });`,
  );
  assert.deepEqual([signal, stdout], ['SIGTERM', '0,0,0']);
});

test('few files and little room: the program goes on, and tells', async (t) => {
  const directory = folder(t);
  // No file longer than 4 KiB: some batches find no room.
  const { code, stdout, stderr } = await run(
    t,
    `telemetry.init({
      serviceName: 'tested', directory: ${JSON.stringify(directory)}, durability: 'write-ahead',
      batch: { baseUrl: 'http://127.0.0.1:9', maxExportBatchSize: 1_000 },
      onDiagnostic: ({ code }) => console.log(code),
    });
    for (let n = 0; n < 3_000; n += 1) telemetry.logEvent('counted', { n, at: Math.random() });
    await telemetry.shutdown({ timeoutMillis: 200 });
    const { accepted, stored, dropped } = telemetry.stats().ledger;
    console.log(accepted - stored - Object.values(dropped).reduce((sum, count) => sum + count, 0));`,
    { limits: 'ulimit -f 8' },
  );
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const told = stdout.trim().split('\n');
  assert.equal(told.pop(), '0', 'what found no room is counted');
  assert.ok(told.includes('store_failed'), stdout);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('no free file descriptor at the time of logging: all is stored when there is one', async (t) => {
  const directory = folder(t);
  const { code, stderr } = await run(
    t,
    `import { closeSync, openSync } from 'node:fs';
    telemetry.init({
      serviceName: 'tested', directory: ${JSON.stringify(directory)}, durability: 'write-ahead',
      batch: { baseUrl: 'http://127.0.0.1:9', maxExportBatchSize: 30 },
    });
    await telemetry.ready();
    const taken = [];
    try {
      for (;;) taken.push(openSync('/dev/null'));
    } catch {}
    ${log}
    await new Promise((resolve) => setTimeout(resolve, 150));
    taken.forEach(closeSync);
    process.exit(taken.length > 0 ? 7 : 1);`,
    { limits: 'ulimit -n 100' },
  );
  assert.equal(code, 7, stderr);
  await assertAllAtNextStart(t, directory);
});
