// Several instances, several copies of the package, and none that works.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist, folder, open, run, start } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';

test('two instances share nothing', async (t) => {
  const ours = await start(t, { serviceName: 'ours', userId: 'a' });
  const theirs = await start(t, { serviceName: 'theirs', userId: 'b' });
  for (let n = 0; n < 300; n += 1) {
    ours.telemetry.logEvent('ours', { n });
    theirs.telemetry.logEvent('theirs', { n, more: true });
  }
  ours.telemetry.updateConfig({ sampling: { theirs: { sample_rate: 0 } } });
  ours.telemetry.setContext({ mine: true });
  await ours.telemetry.flush();
  await theirs.telemetry.flush();
  for (const [{ server }, name, user] of [
    [ours, 'ours', 'a'],
    [theirs, 'theirs', 'b'],
  ]) {
    assert.equal(server.events().length, 300);
    for (const event of server.events()) {
      assert.equal(event.event_name, name);
      assert.equal(event.user_id, user);
    }
    assert.equal(server.requests[0].body.resource['service.name'], name);
  }
  await ours.telemetry.shutdown();
  theirs.telemetry.logEvent('theirs', { n: 300, more: true });
  assert.equal((await theirs.telemetry.flush()).delivered, 1);
});

test('hundreds of instances grow the memory under the staging of all others', async (t) => {
  const { server, telemetry } = await start(t);
  telemetry.logEvent('counted', { n: -1 });
  for (let n = 0; n < 300; n += 1) {
    telemetry.logEvent('counted', { n });
    if (n % 10 === 0) {
      const other = open(t, server.url, { store: 'memory', consent: 'pending', directory: '' });
      other.telemetry.logEvent('grown', { n });
      other.telemetry.logEvent('grown', { n });
    }
  }
  await telemetry.flush();
  assert.deepEqual(
    server.events().map(({ event_metadata: { n } }) => n),
    Array.from({ length: 301 }, (_, n) => n - 1),
  );
});

test('imported and required, the default instance is one', async (t) => {
  const server = await startServer(t);
  const { stdout, stderr } = await run(
    t,
    `import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)(${JSON.stringify(join(dist, 'index.cjs'))});
    required.logEvent('first');
    telemetry.logEvent('second', { n: 2 });
    const codes = [];
    const made = telemetry.init({
      serviceName: 'tested', store: 'memory',
      batch: { baseUrl: ${JSON.stringify(server.url)} },
    });
    const again = required.init({ serviceName: 'other', onDiagnostic: ({ code }) => codes.push(code) });
    required.logEvent('third', { text: required.verified('checked') });
    telemetry.logEvent('fourth', { text: required.verified('checked') });
    required.setUser({ userId: 'u' });
    telemetry.logEvent('fifth');
    const { delivered } = await required.flush();
    console.log(JSON.stringify({ same: made === again, delivered, codes }));`,
  );
  assert.deepEqual(JSON.parse(stdout || stderr), {
    same: true,
    delivered: 5,
    codes: ['already_initialized'],
  });
  const events = server.events();
  assert.deepEqual(
    events.map(({ event_name }) => event_name),
    ['first', 'second', 'third', 'fourth', 'fifth'],
  );
  assert.equal(events[2].event_metadata.text, 'checked');
  assert.equal(events[3].event_metadata.text, 'checked');
  assert.equal(events[4].user_id, 'u');
});

test('what is called before init is kept with its time, to a limit that is told', async (t) => {
  const server = await startServer(t);
  const { stdout } = await run(
    t,
    `const metadata = { n: 0, get bad() { throw new Error('boom'); } };
    const before = Date.now();
    telemetry.logEvent('early', metadata);
    telemetry.setContext({ page: 'start' });
    for (let n = 1; n < 1010; n += 1) telemetry.logEvent('early', { n });
    metadata.n = 'changed later';
    const pending = telemetry.updateConfig({ batch: { maxAttempts: 'many' } });
    const { state } = telemetry.stats();
    const after = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const diagnostics = [];
    telemetry.init({
      serviceName: 'tested', store: 'memory',
      batch: { baseUrl: ${JSON.stringify(server.url)} },
      onDiagnostic: ({ code, field, message }) => diagnostics.push({ code, field, message }),
    });
    await telemetry.ready();
    await telemetry.flush();
    console.log(JSON.stringify({ before, after, pending, state, diagnostics }));`,
  );
  const { before, after, pending, state, diagnostics } = JSON.parse(stdout);
  const events = server.events();
  assert.deepEqual(
    events.map(({ event_metadata: { n } }) => n),
    Array.from({ length: 1_000 }, (_, n) => n),
  );
  for (const { timestamp } of events) {
    assert.ok(Date.parse(timestamp) >= before && Date.parse(timestamp) <= after);
  }
  assert.equal(events[0].core_metadata?.page, undefined);
  assert.equal(events[1].core_metadata.page, 'start');
  assert.equal(state, 'loading');
  assert.deepEqual(pending, { changed: [], rejected: [], pending: true });
  const told = (code) => diagnostics.find((diagnostic) => diagnostic.code === code);
  assert.match(told('not_kept').message, /\b10\b/);
  assert.equal(told('config_rejected').field, 'batch.maxAttempts');
});

test('consent that is denied before init wipes what was kept', async (t) => {
  const server = await startServer(t);
  const { stdout } = await run(
    t,
    `for (let n = 0; n < 500; n += 1) telemetry.logEvent('early', { n });
    telemetry.setConsent('denied');
    telemetry.logEvent('unheard');
    telemetry.init({
      serviceName: 'tested', store: 'memory', batch: { baseUrl: ${JSON.stringify(server.url)} },
    });
    telemetry.setConsent('granted');
    telemetry.logEvent('heard');
    await telemetry.flush();
    console.log(telemetry.stats().ledger.suppressed);`,
  );
  assert.deepEqual(
    server.events().map(({ event_name }) => event_name),
    ['heard'],
  );
  assert.equal(stdout, '501\n');
});

for (const [what, args, prelude] of [
  ['an engine without it', ['--jitless'], ''],
  [
    'an engine whose compiler refuses',
    [],
    'WebAssembly.Module = () => { throw new Error("refused"); };',
  ],
]) {
  test(`no WebAssembly (${what}): the host goes on, and is told once`, async (t) => {
    const { code, stdout, stderr } = await run(
      t,
      `${prelude}
      const codes = [];
      telemetry.logEvent('early');
      const made = telemetry.init({
        serviceName: 'tested', directory: ${JSON.stringify(folder(t))},
        onDiagnostic: ({ code }) => codes.push(code),
      });
      for (let n = 0; n < 10; n += 1) telemetry.logEvent('unheard', { n });
      telemetry.logExperiment({ experimentId: 'e', variationId: 1 });
      telemetry.setUser({ userId: 'u' });
      telemetry.setContext({ a: 1 });
      telemetry.setConsent('granted');
      telemetry.updateConfig({ killed: true });
      telemetry.verified('text');
      await telemetry.ready();
      await telemetry.flush();
      await telemetry.shutdown();
      console.log(JSON.stringify({ codes, state: made.stats().state }));`,
      { args },
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { codes: ['wasm_unavailable'], state: 'unavailable' });
  });
}

test('importing the package changes nothing', async (t) => {
  const { stdout } = await run(
    t,
    `import { createRequire } from 'node:module';
    const state = () => JSON.stringify([
      Reflect.ownKeys(globalThis).map(String), process.eventNames().map(String),
      process.listenerCount('exit'), process.getActiveResourcesInfo().length,
    ]);
    const before = state();
    createRequire(import.meta.url)(${JSON.stringify(join(dist, 'index.cjs'))});
    console.log(before === state());`,
  );
  assert.equal(stdout, 'true\n');
});

test('a core that fails takes nothing with it but the logging, and is told once', async (t) => {
  const { code, stdout, stderr } = await run(
    t,
    `const { Instance } = WebAssembly;
    let failing = false;
    const trap = (call) => (...args) => {
      if (failing) throw new WebAssembly.RuntimeError('unreachable');
      return call(...args);
    };
    WebAssembly.Instance = function (...args) {
      const entries = Object.entries(new Instance(...args).exports);
      const exports = entries.map(([name, value]) => [
        name,
        typeof value === 'function' ? trap(value) : value,
      ]);
      return { exports: Object.fromEntries(exports) };
    };
    const codes = [];
    const made = telemetry.init({
      serviceName: 'tested', store: 'memory',
      batch: { baseUrl: 'http://127.0.0.1:9', scheduledDelayMillis: 10 },
      onDiagnostic: ({ code }) => codes.push(code),
    });
    telemetry.logEvent('before', { n: 1 });
    failing = true;
    // Its timers ring meanwhile, and fail.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const failed = codes.splice(0);
    for (let n = 0; n < 5; n += 1) telemetry.logEvent('after', { text: 'x' });
    telemetry.setUser({ userId: 'u' });
    await telemetry.flush();
    await telemetry.ready();
    console.log(JSON.stringify({ failed, codes, state: made.stats().state }));`,
  );
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const { failed, codes, state } = JSON.parse(stdout);
  assert.deepEqual([...failed, ...codes], ['internal_error']);
  assert.equal(state, 'unavailable');
});
