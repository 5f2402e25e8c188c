// A trap in the WebAssembly is contained, whenever it comes: the host sees nothing of it, what was queued
// arrives, the ledger balances, and after the third the module is quiet.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { launch } from '../support/browser.mjs';
import { dist, folder, run, sum } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { site } from '../support/site.mjs';
import { until } from '../support/wait.mjs';
import { calls, memories, plant, strike } from './planted.mjs';
import { live } from './trap-life.mjs';

/** @type {unknown[]} */
const rejections = [];
process.on('unhandledRejection', (reason) => rejections.push(reason));
after(() => assert.deepEqual(rejections, []));

const turn = () => new Promise((resolve) => setTimeout(resolve, 60));
const batch = (/** @type {string} */ baseUrl) => ({ baseUrl, scheduledDelayMillis: 20 });
let copies = 0;

/** The package anew: another module, with no traps. */
async function fresh() {
  copies += 1;
  return await import(`${join(dist, 'index.js')}?${copies}`);
}

/** What a life left at the endpoint and in its own account, with one trap or none. */
function check(
  /** @type {Awaited<ReturnType<typeof live>>} */ { logged, second, codes, stats },
  /** @type {any[]} */ events,
  /** @type {string} */ what,
) {
  const ids = new Map();
  for (const { event_name: name, event_id: id, event_metadata: { n } = {}, ...more } of events) {
    assert.notEqual(name, 'never', what);
    if (name !== 'happened') continue;
    assert.equal(ids.get(n) ?? id, id, `${what}: event ${n} came as two`);
    ids.set(n, id);
    if (n >= second) assert.equal(more.core_metadata.release, '2', what);
    if (n >= second) assert.equal(more.user_metadata.plan, 'pro', what);
  }
  // The call that trapped may have lost its own event.
  assert.ok(ids.size >= logged - 1, `${what}: ${ids.size} of ${logged} events arrived`);
  const sessions = new Set(events.map(({ core_metadata: core }) => core?.session_id));
  assert.ok(sessions.size <= 2, `${what}: the session went on`);
  // A client that was shut down is not followed by another.
  for (const { ledger, config, state } of stats.slice(0, 2)) {
    assert.equal(sum(ledger), ledger.accepted, `${what}: ${JSON.stringify(ledger)}`);
    assert.deepEqual(ledger.dropped, {}, what);
    assert.notEqual(state, 'unavailable', what);
    assert.equal(config.batch.maxExportBatchSize, 4, what);
  }
  const { traps } = stats[2];
  assert.equal(codes.filter((code) => code === 'internal_error').length, traps, what);
}

for (const [name, more] of Object.entries({
  files: {},
  memory: { store: 'memory' },
  'write-ahead': { durability: 'write-ahead' },
  enrich: { enrich: async () => ({}) },
})) {
  test(`a trap anywhere in a program's life: ${name}`, async (t) => {
    const once = async (/** @type {number} */ at) => {
      const [server, { Telemetry }] = await Promise.all([startServer(t), fresh()]);
      plant((call) => call === at);
      const options = { serviceName: 'tested', enabled: true, directory: folder(t), ...more };
      const life = await live(Telemetry, { ...options, batch: batch(server.url) }, turn);
      check(life, server.events(), `call ${at}`);
      return life.stats[2].traps;
    };
    assert.equal(await once(0), 0);
    const all = calls;
    let traps = 0;
    // With the first two the WebAssembly does not even start.
    for (let at = 3; at < all; at += Math.ceil(all / 14)) traps += await once(at);
    assert.ok(traps > 7, `${traps} traps`);
  });
}

/** An instance whose events are queued, in a module of its own. */
async function queued(
  /** @type {import('node:test').TestContext} */ t,
  /** @type {Parameters<typeof startServer>[1]} */ answer = undefined,
  more = {},
) {
  const [server, { Telemetry }] = await Promise.all([startServer(t, answer), fresh()]);
  plant(() => false);
  /** @type {any[]} */
  const diagnostics = [];
  const open = (options = {}) =>
    new Telemetry({
      serviceName: 'tested',
      enabled: true,
      store: 'memory',
      batch: { baseUrl: server.url, scheduledDelayMillis: 3_600_000 },
      onDiagnostic: (/** @type {any} */ diagnostic) => diagnostics.push(diagnostic),
      ...more,
      ...options,
    });
  const telemetry = open();
  await telemetry.ready();
  for (let n = 0; n < 10; n += 1) telemetry.logEvent('counted', { n });
  return { server, telemetry, diagnostics, open };
}
const next = () => strike((call) => call === 1);

test('every instance goes on with what it had', async (t) => {
  const { server, telemetry, diagnostics, open } = await queued(t);
  const other = open({ serviceName: 'other' });
  other.logEvent('other');
  next();
  telemetry.updateConfig({ batch: { maxExportBatchSize: 3 } });
  assert.equal(telemetry.stats().config.batch.maxExportBatchSize, 3);
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['internal_error', 'internal_error'],
  );
  await Promise.all([telemetry.shutdown(), other.shutdown()]);
  assert.equal(server.events().length, 11);
  for (const each of [telemetry, other]) assert.equal(each.stats().traps, 1);
  assert.equal(telemetry.stats().ledger.delivered, 10);
});

test('a flush whose instance traps while it waits gets its report from another', async (t) => {
  let answered = 0;
  const { server, telemetry } = await queued(t, () => {
    answered += 1;
    return answered === 1 ? { hang: true } : undefined;
  });
  const flushed = telemetry.flush();
  await until(() => server.requests.length === 1, 'the first request');
  next();
  telemetry.setContext({ release: '2' });
  const report = await flushed;
  assert.equal(report.timedOut, false);
  const [lost, again] = server.requests.map(({ body }) => body);
  assert.equal(again.batch.id, lost.batch.id);
  assert.deepEqual(again.events, lost.events);
  const { ledger } = telemetry.stats();
  assert.equal(ledger.delivered, 10);
  assert.equal(sum(ledger), ledger.accepted);
});

test('consent and the kill switch hold', async (t) => {
  const { server, telemetry } = await queued(t);
  telemetry.setConsent('pending');
  next();
  assert.equal(telemetry.stats().config.consent, 'pending');
  await telemetry.flush();
  assert.equal(server.requests.length, 0);
  telemetry.setConsent('granted');
  telemetry.updateConfig({ killed: true });
  next();
  telemetry.setUser({ plan: 'pro' });
  await telemetry.flush();
  assert.equal(server.requests.length, 0);
  assert.equal(telemetry.stats().ledger.queued, 10);
  next();
  telemetry.setConsent('denied');
  assert.equal(telemetry.stats().state, 'unavailable');
  await turn();
  assert.equal(server.requests.length, 0);
});

test('a trap that wiped what it was told to wipe', async (t) => {
  const { server, telemetry } = await queued(t);
  next();
  telemetry.setConsent('denied');
  const { config, ledger } = telemetry.stats();
  assert.equal(config.consent, 'denied');
  assert.deepEqual(ledger.dropped, { consent_denied: 10 });
  assert.equal(sum(ledger), ledger.accepted);
  await telemetry.shutdown();
  assert.equal(server.requests.length, 0);
});

test('what can not be read out of the broken memory is counted, here and at the endpoint', async (t) => {
  const { server, telemetry } = await queued(t);
  // The call; then the new instance starts, with an import, and the books are asked for, twice; and this is
  // the first batch.
  strike((call) => call === 1 || call === 6);
  telemetry.updateConfig({});
  const { ledger } = telemetry.stats();
  assert.deepEqual(ledger.dropped, { corrupt: 10 });
  assert.equal(sum(ledger), ledger.accepted);
  telemetry.logEvent('after');
  await telemetry.shutdown();
  assert.equal(server.requests.length, 1);
  assert.deepEqual(server.requests[0].body.batch.dropped, { corrupt: 10 });
});

test('a memory that holds nothing sensible any more', async (t) => {
  const { server, telemetry } = await queued(t);
  new Uint8Array(/** @type {WebAssembly.Memory} */ (memories.at(-1)).buffer).fill(255);
  telemetry.updateConfig({});
  telemetry.logEvent('after');
  await telemetry.flush();
  assert.deepEqual(
    server.events().map(({ event_name: name }) => name),
    ['after'],
  );
  const { ledger, traps } = telemetry.stats();
  assert.equal(traps, 1);
  assert.equal(sum(ledger), ledger.accepted);
});

test('after the third trap it is quiet, its process ends, and the next one sends what was stored', async (t) => {
  const server = await startServer(t, () => ({ status: 503 }));
  const directory = folder(t);
  const planted = fileURLToPath(new URL('planted.mjs', import.meta.url));
  const options = (/** @type {object} */ batch) =>
    JSON.stringify({ serviceName: 'tested', directory, batch: { baseUrl: server.url, ...batch } });
  const { code, stdout, stderr } = await run(
    t,
    `const { plant, strike } = await import(${JSON.stringify(planted)});
    const codes = [];
    const made = telemetry.init({
      ...${options({ scheduledDelayMillis: 3_600_000 })}, onDiagnostic: ({ code }) => codes.push(code),
    });
    for (let n = 0; n < 5; n += 1) telemetry.logEvent('counted', { n });
    for (let trap = 0; trap < 3; trap += 1) {
      strike((call) => call === 1);
      telemetry.setContext({ trap });
    }
    telemetry.logEvent('quiet');
    telemetry.logExperiment({ experimentId: 'x', variationId: 1 });
    telemetry.setUser({}); telemetry.setConsent('granted'); telemetry.updateConfig({ batch: null });
    const report = await telemetry.flush();
    await telemetry.ready();
    await telemetry.shutdown();
    const other = new telemetry.Telemetry({ serviceName: 'other', directory: ${JSON.stringify(directory)} });
    other.logEvent('quiet');
    const { state, traps } = made.stats();
    console.log(JSON.stringify({ codes, state, traps, report, other: other.stats().state }));`,
  );
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const told = JSON.parse(stdout);
  assert.deepEqual(told.codes, ['internal_error', 'internal_error', 'internal_error']);
  assert.deepEqual([told.state, told.traps, told.other], ['unavailable', 3, 'unavailable']);
  assert.equal(told.report.queued, 0);
  server.answerWith(() => undefined);
  await run(t, `telemetry.init(${options({})}); await telemetry.flush();`);
  assert.deepEqual(
    server.events().map(({ event_metadata: { n } }) => n),
    [0, 1, 2, 3, 4],
  );
});

test('a trap as the process exits: the next start sends all of it', async (t) => {
  const server = await startServer(t);
  const options = JSON.stringify({
    serviceName: 'tested',
    directory: folder(t),
    batch: { baseUrl: server.url, scheduledDelayMillis: 3_600_000 },
  });
  const planted = fileURLToPath(new URL('planted.mjs', import.meta.url));
  const { code, stderr } = await run(
    t,
    `const { strike } = await import(${JSON.stringify(planted)});
    telemetry.init(${options});
    for (let n = 0; n < 5; n += 1) telemetry.logEvent('counted', { n });
    process.on('exit', () => telemetry.logEvent('counted', { n: 5 }));
    strike((call) => call === 1);
    process.exit();`,
  );
  assert.equal(code, 0, stderr);
  await run(t, `telemetry.init(${options}); await telemetry.flush();`);
  assert.deepEqual(
    server
      .events()
      .map(({ event_metadata: { n } }) => n)
      .sort(),
    [0, 1, 2, 3, 4, 5],
  );
});

test('memory that has come to its end', async (t) => {
  const server = await startServer(t);
  const { code, stdout, stderr } = await run(
    t,
    `process.on('unhandledRejection', (reason) => { throw reason; });
    const made = telemetry.init({
      serviceName: 'tested', enabled: true, store: 'memory',
      batch: {
        baseUrl: ${JSON.stringify(server.url)}, scheduledDelayMillis: 3600000,
        maxExportBatchSize: 10000, maxQueueSize: 1000000, maxQueueBytes: 1073741824,
      },
    });
    const text = telemetry.verified('x'.repeat(1000));
    telemetry.updateConfig({ killed: true });
    telemetry.updateConfig({ killed: null });
    for (let n = 0; n < 20000; n += 1) telemetry.logEvent('large', { text, n });
    await telemetry.flush();
    telemetry.logEvent('after');
    const { traps, ledger, state } = made.stats();
    console.log(JSON.stringify({ traps, ledger, state }));`,
    { args: ['--wasm-max-mem-pages=100'] },
  );
  assert.equal(code, 0, stderr);
  const { traps, ledger } = JSON.parse(stdout);
  assert.ok(traps > 0, stdout);
  assert.equal(sum(ledger), ledger.accepted, stdout);
});

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('a trap anywhere in the life of a page', async (t) => {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { live } from './trap-life.mjs'; export * from './planted.mjs';`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'hostile',
  });
  const { server, context, open, problems } = await site(t, browser, {
    '/': `
      addEventListener('unhandledrejection', ({ reason }) => { throw new Error('unhandled ' + reason); });
      const turn = () => new Promise((resolve) => setTimeout(resolve, 60));
      const [service, at] = location.hash.slice(1).split('-');
      const options = { serviceName: service, batch: { scheduledDelayMillis: 20 } };
      hostile.live(telemetry.Telemetry, options, turn).then((life) => { window.outcome = life; });`,
  });
  await context.addInitScript(
    `${outputFiles[0].text}
    globalThis.hostile = hostile;
    hostile.plant((call) => call === Number(location.hash.split('-')[1]));`,
  );
  const once = async (/** @type {number} */ at) => {
    const { length } = server.events();
    const page = await open(`/#tested${at}-${at}`);
    await page.waitForFunction('window.outcome');
    const { outcome, crossed } = await page.evaluate(
      '({ outcome: window.outcome, crossed: hostile.calls })',
    );
    check(outcome, server.events().slice(length), `call ${at}`);
    await page.close();
    return { traps: outcome.stats[2].traps, crossed };
  };
  const { traps: none, crossed } = await once(0);
  assert.equal(none, 0);
  let traps = 0;
  for (let at = 3; at < crossed; at += Math.ceil(crossed / 10)) traps += (await once(at)).traps;
  assert.ok(traps > 5, `${traps} traps`);
  assert.deepEqual(problems, []);
});

test('a page that trapped lets go of its database', async (t) => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('planted.mjs', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'hostile',
  });
  const { server, context, open, problems } = await site(t, browser, {
    '/': `telemetry.init({ serviceName: 'tested', batch: { scheduledDelayMillis: 3600000 } });`,
  });
  await context.addInitScript(`${outputFiles[0].text} globalThis.hostile = hostile;`);
  const page = await open('/');
  const state = await page.evaluate(async () => {
    await telemetry.ready();
    for (let n = 0; n < 5; n += 1) telemetry.logEvent('counted', { n });
    for (let trap = 0; trap < 3; trap += 1) {
      hostile.strike((call) => call === 1);
      telemetry.setContext({ trap });
    }
    return telemetry.stats().state;
  });
  assert.equal(state, 'unavailable');
  // What is left is stored, and the next page sends it.
  const other = await open('/');
  await other.evaluate('telemetry.flush()');
  await until(() => server.events().length >= 5, 'the events of the page that is quiet');
  assert.equal(server.events().length, 5);
  assert.deepEqual(problems, []);
});
