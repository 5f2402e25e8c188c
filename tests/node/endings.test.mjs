// Every way in which a process ends: as it ends without the package, and with all events at the next start.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist, folder, open, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const events = 100;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A program that logs and then ends; `before` and `after` are what it does around `init`. */
const program = (directory, { before = '', after = '' }) => `
  import { writeSync } from 'node:fs';
  const say = (text) => writeSync(1, text + '\\n');
  ${before}
  telemetry.init({
    serviceName: 'tested', directory: ${JSON.stringify(directory)},
    batch: { baseUrl: 'http://127.0.0.1:9', maxExportBatchSize: 30 },
  });
  for (let n = 0; n < ${events}; n += 1) telemetry.logEvent('counted', { n });
  ${after}`;

/** Ends as it does without us, and the next start delivers every event once. */
async function endsAsWithoutUs(t, parts) {
  const directory = folder(t);
  const [ours, theirs] = await Promise.all([
    run(t, program(directory, parts)),
    run(t, program(directory, parts), { without: true }),
  ]);
  const { code, signal, stdout } = ours;
  assert.deepEqual(
    { code, signal, stdout },
    { code: theirs.code, signal: theirs.signal, stdout: theirs.stdout },
    ours.stderr,
  );
  const server = await startServer(t);
  const { telemetry } = open(t, server.url, { directory });
  await until(() => server.events().length >= events);
  await telemetry.flush();
  const got = server.events().map(({ event_metadata: { n } }) => n);
  assert.deepEqual(
    got.sort((a, b) => a - b),
    Array.from({ length: events }, (_, n) => n),
  );
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.batch')),
    [],
  );
  return ours;
}

for (const [what, parts] of Object.entries({
  'it comes to its end': {},
  'it comes to its end, and the host has a last word': {
    before: `process.once('beforeExit', () => setTimeout(() => say('last'), 5));`,
  },
  'process.exit()': { after: 'process.exit(3);' },
  'process.exit() in a beforeExit of the host': {
    before: `process.on('beforeExit', () => process.exit(4));`,
  },
  'process.exitCode': { after: 'process.exitCode = 5;' },
  'an exit listener that changes the code': {
    before: `process.on('exit', () => { process.exitCode = 6; });`,
  },
  'an exit listener that throws': {
    before: `process.on('exit', () => { throw new Error('the host failed'); });`,
  },
  'an uncaught exception': { after: `throw new Error('the host failed');` },
  'an uncaught exception later on': {
    after: `setTimeout(() => { throw new Error('the host failed'); }, 5);`,
  },
  'an uncaught exception that the host answers by an exit': {
    before: `process.on('uncaughtException', () => process.exit(8));`,
    after: `setTimeout(() => { throw new Error('the host failed'); }, 5);`,
  },
  'an uncaught exception that the host survives': {
    before: `process.on('uncaughtException', ({ message }) => say(message));`,
    after: `setTimeout(() => { throw new Error('the host failed'); }, 5);`,
  },
  'an unhandled rejection': { after: `Promise.reject(new Error('the host failed'));` },
  'an unhandled rejection that the host answers by an exit': {
    before: `process.on('unhandledRejection', () => process.exit(9));`,
    after: `Promise.reject(new Error('the host failed'));`,
  },
})) {
  test(what, (t) => endsAsWithoutUs(t, parts));
}

const stay = 'const timer = setInterval(() => {}, 60_000);';
const send = (signal) => `process.kill(process.pid, '${signal}');`;
/** When nothing is in flight: that would be held by a lease, which nobody can give up within a listener. */
const sendIdle = (signal) => `
  ${stay}
  const idle = setInterval(() => {
    if (telemetry.stats()?.ledger.inFlight) return;
    clearInterval(idle);
    ${send(signal)}
  }, 50);`;

for (const signal of signals) {
  test(`${signal} that nobody answers`, async (t) => {
    const ended = await endsAsWithoutUs(t, { after: `${stay} ${send(signal)}` });
    assert.equal(ended.signal, signal);
  });

  test(`${signal} that the host answers by an exit`, async (t) => {
    const before = `process.on('${signal}', () => process.exit(7));`;
    const ended = await endsAsWithoutUs(t, { before, after: `${stay} ${send(signal)}` });
    assert.equal(ended.code, 7);
  });
}

for (const [what, parts] of Object.entries({
  'a listener that was added later, and takes its time': {
    after: `
      process.on('SIGTERM', () => setTimeout(() => { say('done'); process.exit(0); }, 50));
      ${stay} ${send('SIGTERM')}`,
  },
  'a listener that hears it once, and takes its time': {
    after: `
      process.once('SIGTERM', () => setTimeout(() => { say('done'); process.exit(0); }, 50));
      ${stay} ${send('SIGTERM')}`,
  },
  'a listener before all others that hears it once, and takes its time': {
    after: `
      process.prependOnceListener('SIGTERM', () => {
        setTimeout(() => { say('done'); process.exit(0); }, 50);
      });
      ${stay} ${send('SIGTERM')}`,
  },
  'a listener that hears it once and sends it again': {
    before: `process.once('SIGTERM', () => { say('heard'); ${send('SIGTERM')} });`,
    after: sendIdle('SIGTERM'),
  },
  'a listener that hears it once, and a second signal': {
    before: `process.once('SIGINT', () => { say('heard'); setTimeout(() => { ${send('SIGINT')} }, 20); });`,
    after: `${stay} ${send('SIGINT')}`,
  },
  'a listener that goes on': {
    before: `process.on('SIGHUP', () => { say('heard'); clearInterval(timer); });`,
    after: `${stay} ${send('SIGHUP')}`,
  },
  'a listener that throws': {
    before: `process.on('SIGTERM', () => { throw new Error('the host failed'); });`,
    after: `${stay} ${send('SIGTERM')}`,
  },
  'a listener that was taken away again': {
    after: `
      const listener = () => say('never');
      process.on('SIGTERM', listener);
      process.off('SIGTERM', listener);
      ${stay} setTimeout(() => { ${send('SIGTERM')} }, 20);`,
  },
  'a library that sends it again if nobody else listens': {
    before: `
      const cleanUp = () => {
        if (process.listenerCount('SIGTERM') > 1) return;
        say('cleaned up');
        process.off('SIGTERM', cleanUp);
        ${send('SIGTERM')}
      };
      process.on('SIGTERM', cleanUp);`,
    after: sendIdle('SIGTERM'),
  },
  'another signal than the one that the host answers': {
    before: `process.on('SIGINT', () => say('never'));`,
    after: `${stay} ${send('SIGTERM')}`,
  },
  'listeners that were all taken away': {
    after: `process.removeAllListeners('SIGTERM'); ${stay} process.exit(0)`,
  },
})) {
  test(`a signal, and ${what}`, (t) => endsAsWithoutUs(t, parts));
}

for (const [what, end] of [
  ['its end', ''],
  ['process.exit()', 'process.exit(0);'],
  ['an exception', `throw new Error('the host failed');`],
]) {
  test(`what an exit listener logs is stored, after ${what}`, async (t) => {
    const directory = folder(t);
    const log = `
      for (let n = 0; n < 3; n += 1) telemetry.logEvent('last', { n });
      telemetry.logExperiment({ experimentId: 'last', variationId: 1 });`;
    const after = `process.on('exit', () => { ${log} }); ${end}`;
    await run(t, program(directory, { before: `process.on('exit', () => { ${log} });`, after }));
    const server = await startServer(t);
    open(t, server.url, { directory });
    await until(() => server.events().length >= events + 8);
    assert.equal(server.events().length, events + 8);
  });
}

test('a host that shuts down at a signal waits for what is in flight: nothing is doubled', async (t) => {
  const server = await startServer(t, async () => {
    await new Promise((resolve) => setTimeout(resolve, 150));
  });
  const directory = folder(t);
  const { code, stderr } = await run(
    t,
    `telemetry.init({
      serviceName: 'tested', directory: ${JSON.stringify(directory)},
      batch: { baseUrl: ${JSON.stringify(server.url)}, maxExportBatchSize: 30 },
    });
    for (let n = 0; n < ${events}; n += 1) telemetry.logEvent('counted', { n });
    process.on('SIGTERM', async () => {
      await telemetry.shutdown();
      process.exit(0);
    });
    ${stay}
    setTimeout(() => { ${send('SIGTERM')} }, 50);`,
  );
  assert.equal(code, 0, stderr);
  assert.equal(server.events().length, events);
  assert.deepEqual(readdirSync(directory), []);
});

test('two copies of the package let a signal end the process, and both store', async (t) => {
  const directory = folder(t);
  const ended = await run(
    t,
    `import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)(${JSON.stringify(join(dist, 'index.cjs'))});
    for (const { Telemetry } of [telemetry, required]) {
      new Telemetry({
        serviceName: 'tested', directory: ${JSON.stringify(directory)},
        batch: { baseUrl: 'http://127.0.0.1:9' },
      }).logEvent('logged');
    }
    ${stay} ${send('SIGTERM')}`,
  );
  assert.equal(ended.signal, 'SIGTERM', ended.stderr);
  assert.equal(readdirSync(directory).length, 2);
});

test('where the signal may not be sent again, the exit code is the one of a shell', async (t) => {
  const ended = await run(
    t,
    `process.on('exit', () => console.log(telemetry.stats().ledger.stored));
    telemetry.init({
      serviceName: 'tested', directory: ${JSON.stringify(folder(t))},
      batch: { baseUrl: 'http://127.0.0.1:9' },
    });
    telemetry.logEvent('logged');
    ${stay} ${send('SIGTERM')}
    process.kill = () => { throw new Error('not permitted'); };`,
  );
  assert.deepEqual([ended.code, ended.stdout], [143, '1\n'], ended.stderr);
});

test('a runtime that knows no signals is no trouble', async (t) => {
  const directory = folder(t);
  const { code, stderr } = await run(
    t,
    `const { prependListener } = process;
    process.prependListener = (name, ...rest) => {
      if (name.startsWith('SIG')) throw new Error('no signals here');
      return prependListener.call(process, name, ...rest);
    };
    telemetry.init({
      serviceName: 'tested', directory: ${JSON.stringify(directory)},
      batch: { baseUrl: 'http://127.0.0.1:9' },
    });
    telemetry.logEvent('logged');
    process.exit(0);`,
  );
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(readdirSync(directory).length, 1);
});

const countAll = `
  const names = ['beforeExit', 'exit', 'SIGINT', 'SIGTERM', 'SIGHUP', 'removeListener'];
  const counts = () => names.map((name) => process.listenerCount(name));
  const most = process.getMaxListeners();
  const before = counts();
  const more = () => counts().map((count, index) => count - before[index]);`;

test('many instances add one listener for each event, and the last shutdown takes them away', async (t) => {
  const { stdout, stderr } = await run(
    t,
    `${countAll}
    const all = Array.from({ length: 50 }, (_, n) =>
      new telemetry.Telemetry({ serviceName: 'n' + n, store: 'memory' }));
    const during = more();
    const [last, ...others] = all;
    await Promise.all(others.map((each) => each.shutdown({ timeoutMillis: 0 })));
    const still = more();
    await last.shutdown({ timeoutMillis: 0 });
    console.log(JSON.stringify([during, still, more(), process.getMaxListeners() - most]));`,
  );
  const [each, none] = [
    [1, 1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0, 0],
  ];
  assert.deepEqual(JSON.parse(stdout), [each, each, none, 0]);
  assert.equal(stderr, '');
});

test('a host with as many listeners as it may have is not warned because of ours', async (t) => {
  const { stderr } = await run(
    t,
    `for (const name of ['beforeExit', 'exit', 'SIGINT', 'SIGTERM', 'SIGHUP']) {
      while (process.listenerCount(name) < process.getMaxListeners()) process.on(name, () => {});
    }
    new telemetry.Telemetry({ serviceName: 'tested', store: 'memory' });
    ${send('SIGTERM')}`,
  );
  assert.equal(stderr, '');
});

test('a request that outlives shutdown ends at its time, also if nobody refers to the instance', async (t) => {
  const server = await startServer(t, () => ({ hang: true }));
  const { code } = await run(
    t,
    `await (async () => {
      const instance = new telemetry.Telemetry({
        serviceName: 'tested',
        batch: { baseUrl: '${server.url}', exportTimeoutMillis: 4_000 },
      });
      instance.logEvent('logged');
      await instance.flush({ timeoutMillis: 3_000 });
      await instance.shutdown({ timeoutMillis: 0 });
    })();
    for (let round = 0; round < 5; round += 1) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }`,
    { args: ['--expose-gc'] },
  );
  assert.equal(code, 0);
  // Else the runtime would wait for minutes; the endpoint is there until then.
  assert.equal(server.requests.length, 1);
});
