import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { folder, open, run, start } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

// Other than the note of a denial.
const records = (directory) =>
  readdirSync(directory).filter(
    (name) => name.endsWith('.batch') && !name.startsWith('000000000000-'),
  );

test('pending holds events in memory, and granted lets them go', async (t) => {
  const { server, telemetry, directory } = await start(t, { consent: 'pending' });
  telemetry.logEvent('held', { n: 1 });
  telemetry.logExperiment({ experimentId: 'held', variationId: 0 });
  await telemetry.flush({ timeoutMillis: 100 });
  assert.equal(server.requests.length, 0);
  assert.deepEqual(records(directory), []);
  assert.equal(telemetry.stats().ledger.queued, 2);
  telemetry.setConsent('granted');
  await telemetry.flush();
  assert.equal(server.events().length, 2);
});

test('what is pending when the process goes away is not stored', async (t) => {
  const { telemetry, directory } = await start(t, { consent: 'pending' });
  telemetry.logEvent('held');
  await telemetry.shutdown({ timeoutMillis: 50 });
  assert.deepEqual(records(directory), []);
});

test('denied wipes the queue and the store, and nothing is logged', async (t) => {
  const server = await startServer(t, () => ({ status: 503 }));
  const { telemetry, directory } = open(t, server.url, {
    batch: { baseBackoffMillis: 60_000, maxBackoffMillis: 60_000 },
  });
  telemetry.logEvent('stored');
  await until(() => records(directory).length === 1);
  telemetry.logEvent('queued');
  telemetry.setConsent('denied');
  telemetry.logEvent('unheard', { n: 1 });
  telemetry.logEvent('unheard', { n: 2 });
  await until(() => records(directory).length === 0);
  const { ledger, config } = telemetry.stats();
  assert.equal(config.consent, 'denied');
  assert.equal(ledger.dropped.consent_denied, 2);
  assert.equal(ledger.suppressed, 2);

  server.answerWith(() => undefined);
  telemetry.setConsent('granted');
  telemetry.logEvent('heard');
  await telemetry.flush();
  assert.deepEqual(
    server.events().map(({ event_name }) => event_name),
    ['heard'],
  );
});

test('denied from the start wipes what an earlier run stored', async (t) => {
  const directory = folder(t);
  const first = open(t, 'http://127.0.0.1:9', { directory });
  first.telemetry.logEvent('stored');
  await first.telemetry.shutdown({ timeoutMillis: 0 });
  assert.equal(records(directory).length, 1);
  const second = open(t, 'http://127.0.0.1:9', { directory, consent: 'denied' });
  await second.telemetry.ready();
  await until(() => records(directory).length === 0);
});

test('what is no consent changes nothing, also before there is an instance', async (t) => {
  const program = `
    telemetry.setConsent('pending');
    telemetry.setConsent('yes');
    telemetry.init({ serviceName: 'tested', store: 'memory', debug: true });
    console.log(telemetry.stats().config.consent);`;
  const { stdout, stderr } = await run(t, program);
  assert.equal(stdout.trim(), 'pending');
  assert.match(stderr, /consent_rejected/);
});

const look = () => new Promise((resolve) => setTimeout(resolve, 2_100));

test('a denial is obeyed by whoever shares the directory, until its own host says otherwise', async (t) => {
  const { server, telemetry, directory } = await start(t, {
    batch: { scheduledDelayMillis: 60_000 },
  });
  const other = open(t, server.url, { directory });
  await other.telemetry.ready();
  telemetry.logEvent('before');
  other.telemetry.setConsent('denied');
  await look();
  await telemetry.flush();
  telemetry.logEvent('after');
  assert.equal(server.requests.length, 0);
  const { ledger, config } = telemetry.stats();
  assert.equal(config.consent, 'denied');
  assert.deepEqual([ledger.dropped.consent_denied, ledger.suppressed], [1, 1]);
  assert.deepEqual(records(directory), []);

  telemetry.setConsent('granted');
  telemetry.logEvent('granted');
  await telemetry.flush();
  assert.equal(server.events().length, 1);
  assert.equal(other.telemetry.stats().config.consent, 'denied');
});

test('a denial outlives the process; an explicit grant ends it', async (t) => {
  const { server, telemetry, directory } = await start(t);
  telemetry.setConsent('denied');
  await telemetry.shutdown();
  const events = async (options) => {
    const next = open(t, server.url, { directory, ...options });
    next.telemetry.logEvent('next');
    await next.telemetry.shutdown();
    return server.events().length;
  };
  assert.equal(await events({}), 0);
  assert.equal(await events({ consent: 'pending' }), 0);
  assert.equal(await events({ consent: 'granted' }), 1);
  assert.equal(await events({}), 2);
});

for (const end of ['process.exit()', 'process.kill(process.pid, "SIGTERM")', 'throw 1', '']) {
  test(`nothing is written or sent while consent is pending: ${end || 'the end'}`, async (t) => {
    const { server, directory } = await start(t);
    const program = `
      const options = ${JSON.stringify({
        serviceName: 'tested',
        durability: 'write-ahead',
        directory,
        batch: { baseUrl: server.url, scheduledDelayMillis: 10 },
      })};
      telemetry.setConsent('pending');
      telemetry.init({ ...options, enabled: true });
      telemetry.logEvent('held', { n: 1 });
      telemetry.logExperiment({ experimentId: 'held', variationId: 0 });
      await telemetry.ready();
      telemetry.logEvent('held', { n: 2 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log(telemetry.stats().ledger.queued);
      ${end}`;
    const { stdout } = await run(t, program);
    assert.equal(stdout.trim(), '3');
    assert.deepEqual(readdirSync(directory), []);
    assert.equal(server.requests.length, 0);
  });
}
