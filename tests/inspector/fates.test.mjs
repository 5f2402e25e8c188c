// What the inspector says of an event is what became of it: each fate, against what the endpoint got.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { later } from '../support/site.mjs';
import { until } from '../support/wait.mjs';
import { bundled, idle, told, visit } from './visit.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const log = (name, fields = {}) => `telemetry.logEvent('${name}', ${JSON.stringify(fields)})`;

/** Every event that the endpoint took is told as delivered, by the batch and the attempt that brought it. */
async function agree(server, events) {
  const accepted = server.accepted().flatMap(({ body: { batch, events: all } }) =>
    all.map(({ event_id: id }) => ({
      id,
      batch: batch.id,
      seq: batch.seq,
      attempt: batch.attempt,
    })),
  );
  const delivered = (await events()).filter(({ fate }) => fate === 'delivered');
  const shown = delivered.map((event) => ({
    ...{ id: event.eventId, batch: event.batch.id, seq: event.batch.seq },
    attempt: Number(/attempt (\d+)/.exec(told(event).findLast((text) => /attempt/.test(text)))[1]),
  }));
  const order = (a, b) => a.id.localeCompare(b.id);
  assert.deepEqual(shown.sort(order), accepted.sort(order));
}

test('queued, sent, refused, stored, sent again, delivered', async (t) => {
  const { server, page, run, flush, fate, event, events } = await visit(t, browser);
  server.answerWith((_, index) => ({ status: index === 0 ? 503 : 200 }));
  await run(log('bought', { items: 3, express: true }));
  const queued = await event('bought');
  assert.equal(queued.fate, 'queued');
  await flush();
  await fate('bought', 'stored');
  await flush();
  const { eventId, sent, batch } = await fate('bought', 'delivered');
  const [first, second] = server.requests.map(({ body }) => body);
  assert.equal(eventId, queued.eventId);
  assert.deepEqual(sent, second.events[0]);
  assert.equal(batch.id, first.batch.id);
  const explained = await page.evaluate((id) => window.inspector.explain(id), eventId);
  const steps = [
    ...['logged', 'queued', 'in batch 1, sent: attempt 1', 'the endpoint answered 503'],
    ...['in batch 1, on its way to the store', 'in batch 1, stored, refused so far: 1'],
    ...['in batch 1, sent: attempt 2', 'the endpoint answered 200', 'delivered'],
  ];
  assert.deepEqual(told(explained), steps);
  for (const step of steps) assert.ok(explained.text.includes(`  ${step}`), step);
  await agree(server, events);
});

test('what is not accepted: sampled out, killed, denied, a bad name, a field left out', async (t) => {
  const { run, event, stats, flush, server, events } = await visit(t, browser, {
    options: { sampling: { never: { sample_rate: 0 } } },
  });
  await run(log('never'));
  await run(log('checkout', { items: 3, coupon: 'SUMMER', note: [1] }));
  await run(log(''));
  await run(`telemetry.updateConfig({ killed: true }); ${log('killed')}`);
  await run(
    `telemetry.updateConfig({ killed: null }); telemetry.setConsent('denied'); ${log('denied')}`,
  );
  const fateOf = async (name) => {
    const { fate, reason } = await event(name);
    return [fate, reason];
  };
  assert.deepEqual(await fateOf('never'), ['sampled out', undefined]);
  assert.deepEqual(await fateOf(''), ['dropped', 'invalid_name']);
  assert.deepEqual(await fateOf('killed'), ['not logged', 'killed']);
  assert.deepEqual(await fateOf('denied'), ['not logged', 'consent is denied']);
  // Denied, it is wiped from the queue.
  assert.deepEqual(await fateOf('checkout'), ['dropped', 'consent_denied']);
  const { leftOut, ...checkout } = await event('checkout');
  assert.equal(leftOut, 2);
  assert.ok(told(checkout).includes('left out: "coupon", "note"'), checkout.text);
  const { ledger } = await stats();
  assert.deepEqual([ledger.sampledOut, ledger.suppressed, ledger.fieldsLeftOut], [1, 2, 2]);
  await flush();
  assert.equal(server.requests.length, 0);
  await agree(server, events);
});

for (const [status, reason] of [
  [400, 'rejected'],
  [401, 'unauthorized'],
  [413, 'too_large'],
]) {
  test(`an endpoint that answers ${status}: dropped, ${reason}`, async (t) => {
    const { server, run, flush, fate, stats } = await visit(t, browser);
    server.answerWith(() => ({ status }));
    await run(log('refused'));
    await flush();
    const event = await fate('refused', 'dropped');
    assert.equal(event.reason, reason);
    assert.ok(told(event).includes(`the endpoint answered ${status}`), event.text);
    assert.deepEqual((await stats()).ledger.dropped, { [reason]: 1 });
  });
}

test('a batch that is too large is split, and each event is followed', async (t) => {
  const { server, run, flush, events } = await visit(t, browser);
  server.answerWith(({ body }) => ({ status: body.events.length > 1 ? 413 : 200 }));
  await run([0, 1, 2].map((n) => log('part', { n })).join(';'));
  await flush();
  assert.deepEqual(new Set((await events()).map(({ fate }) => fate)), new Set(['delivered']));
  assert.equal(new Set((await events()).map(({ batch }) => batch.id)).size, 3);
  await agree(server, events);
});

test('refused too often: dropped, max_attempts; the batch after it is delivered', async (t) => {
  const { server, run, flush, fate, events } = await visit(t, browser, {
    options: { batch: { ...idle, maxAttempts: 2 } },
  });
  server.answerWith((_, index) => ({ status: index < 2 ? 500 : 200 }));
  await run(log('bad'));
  await flush();
  await flush();
  assert.equal((await fate('bad', 'dropped')).reason, 'max_attempts');
  await run(log('good'));
  await flush();
  await fate('good', 'delivered');
  await agree(server, events);
});

test('a full queue without a store; then a shutdown that cannot send', async (t) => {
  const { server, run, events } = await visit(t, browser, {
    options: { batch: { ...idle, maxQueueSize: 2, maxStoreBytes: 0 } },
  });
  server.answerWith(() => ({ status: 503 }));
  await run([0, 1, 2].map((n) => log('full', { n })).join(';'));
  const outcomes = async () => (await events()).map(({ fate, reason }) => reason ?? fate);
  assert.deepEqual(await outcomes(), ['queued', 'queued', 'queue_full']);
  await run('telemetry.shutdown({ timeoutMillis: 10 })');
  assert.deepEqual(await outcomes(), ['shut_down', 'shut_down', 'queue_full']);
  await run(log('late'));
  assert.deepEqual((await outcomes()).at(-1), 'shut down');
});

test('a store that is full drops its oldest batch; the kill switch erases the rest', async (t) => {
  const { server, run, flush, fate, events, stats } = await visit(t, browser, {
    options: { store: 'memory', batch: { ...idle, maxStoreBytes: 3_000 } },
  });
  server.answerWith(() => ({ status: 503 }));
  const text = `telemetry.verified('x'.repeat(1000))`;
  for (const name of ['first', 'second', 'third']) {
    await run(`telemetry.logEvent('${name}', { text: ${text} })`);
    await flush();
  }
  assert.equal((await fate('first', 'dropped')).reason, 'store_full');
  await fate('second', 'stored');
  await fate('third', 'stored');
  await run(`telemetry.updateConfig({ killed: { until: Date.now() + 60000, stored: 'erase' } })`);
  assert.equal((await fate('second', 'dropped')).reason, 'killed');
  assert.deepEqual((await stats()).ledger.dropped, { store_full: 1, killed: 2 });
  assert.equal((await events()).length, 3);
});

test('stored for too long: dropped, expired', async (t) => {
  const { server, run, flush, fate, page } = await visit(t, browser, {
    options: { store: 'memory', batch: { ...idle, maxStoreAgeMillis: 1_000 } },
  });
  server.answerWith(() => ({ status: 503 }));
  await run(log('old'));
  await flush();
  await fate('old', 'stored');
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 60_000;
  });
  await flush();
  assert.equal((await fate('old', 'dropped')).reason, 'expired');
});

test('a page that goes away hands over; if it stays, it hears the answer', async (t) => {
  const { server, run, fate, events } = await visit(t, browser, { options: { exit: 'send' } });
  let answer;
  const answered = new Promise((resolve) => (answer = resolve));
  server.answerWith(() => answered);
  await run(log('parting'));
  await run(`dispatchEvent(new PageTransitionEvent('pagehide'))`);
  const { story } = await fate('parting', 'handed over');
  assert.equal(story.at(-1).text, 'in batch 1, sent as the page went away');
  answer({ status: 200 });
  await fate('parting', 'delivered');
  assert.deepEqual(
    server.events().map(({ event_name: name }) => name),
    ['parting'],
  );
  assert.equal((await events()).length, 1);
});

test('what an earlier visit left is found, read, and followed', async (t) => {
  const { server, page, context, run, flush, fate, start, events } = await visit(t, browser);
  server.answerWith(() => ({ status: 503 }));
  await run(log('before', { n: 1 }));
  await flush();
  const { eventId } = await fate('before', 'stored');
  server.answerWith(() => undefined);
  await later(context);
  await page.reload();
  // Nothing is sent yet: it is read where it lies.
  await context.setOffline(true);
  await start();
  const found = await until(async () => (await events()).find(({ name }) => name === 'before'));
  assert.equal(found.fate, 'stored');
  assert.equal(found.eventId, eventId);
  assert.deepEqual(found.sent.event_metadata, { n: 1 });
  assert.equal(server.accepted().length, 0);
  await context.setOffline(false);
  const event = await fate('before', 'delivered');
  assert.equal(event.eventId, eventId);
  assert.equal(told(event)[1], 'found in the store, where an earlier visit or another tab left it');
  await agree(server, events);
});

test('an exposure is copied to the store before it is sent', async (t) => {
  const { server, run, fate, event } = await visit(t, browser);
  let answer;
  const answered = new Promise((resolve) => (answer = resolve));
  server.answerWith(() => answered);
  await run(`telemetry.logExperiment({ experimentId: 'new-nav', variationId: 1 })`);
  assert.equal((await fate('new-nav', 'sending')).kind, 'exposure');
  const copied = await until(async () => (await event('new-nav')).batch.stored && event('new-nav'));
  assert.ok(told(copied).includes('a copy is in the store'), copied.text);
  answer({ status: 200 });
  await fate('new-nav', 'delivered');
});

test('`enrich` that takes longer for one event than for the next', async (t) => {
  const { server, run, flush, events } = await visit(t, browser, { init: false });
  await run(`telemetry.init({
    serviceName: 'enriched', batch: { scheduledDelayMillis: 3600000 },
    enrich: (name) => new Promise((resolve) => { (window.answers ??= {})[name] = resolve; }),
  }); telemetry.ready()`);
  await run(`${log('slow')}; ${log('quick')}`);
  assert.deepEqual(
    (await events()).map(({ fate }) => fate),
    ['waiting', 'waiting'],
  );
  await run(`answers.quick({ added: 1 }); new Promise((resolve) => setTimeout(resolve, 50))`);
  assert.deepEqual(
    (await events()).map(({ fate }) => fate),
    ['waiting', 'queued'],
  );
  await run('answers.slow({})');
  await flush();
  const all = await events();
  assert.deepEqual(
    all.map(({ name, sent }) => [name, sent.event_name]),
    [
      ['slow', 'slow'],
      ['quick', 'quick'],
    ],
  );
  await agree(server, events);
});

test('strict mode: the call that threw is told, and the next one is itself', async (t) => {
  const { run, event } = await visit(t, browser, { options: { strict: true } });
  await run(`try { ${log('wrong', { text: 'x' })} } catch {} ${log('right')}`);
  assert.equal((await event('wrong')).fate, 'refused');
  assert.equal((await event('right')).fate, 'queued');
});

test('what is logged before WebAssembly is there, and as much as is remembered', async (t) => {
  const { run, flush, events, event, server } = await visit(t, browser, { init: false });
  await run(`telemetry.logEvent('first', { n: 1 });
    telemetry.init({ serviceName: 'early', batch: { scheduledDelayMillis: 3600000 } });
    telemetry.logEvent('second'); telemetry.ready()`);
  assert.deepEqual(
    (await events()).map(({ name, fate }) => [name, fate]),
    [
      ['first', 'queued'],
      ['second', 'queued'],
    ],
  );
  await flush();
  await run(`for (let n = 0; n < 1200; n += 1) telemetry.logEvent('many', { n });`);
  const all = await events();
  assert.equal(all.length, 1_000);
  await flush();
  assert.ok((await events()).every(({ fate }) => fate === 'delivered'));
  const got = new Set(server.events().map(({ event_id: id }) => id));
  assert.ok((await events()).every(({ eventId }) => got.has(eventId)));
  await assert.rejects(event('first'), /0 events/);
});

test('after a trap the panel goes on with the instance that took over', async (t) => {
  const script = bundled(`
    import * as hostile from './hostile/planted.mjs';
    import * as telemetry from 'wasm-telemetry';
    import * as inspector from 'wasm-telemetry/inspector';
    Object.assign(window, { hostile, telemetry, inspector });
  `);
  const { page, run, events, flush, server } = await visit(t, browser, { script });
  await run(`inspector.open(); ${log('before')}`);
  await run(`hostile.strike((call) => call === 1); ${log('struck')}; ${log('after')}`);
  await run('hostile.strike(() => false)');
  await flush();
  const fates = Object.fromEntries((await events()).map(({ name, fate }) => [name, fate]));
  assert.equal(fates.after, 'delivered');
  assert.ok(server.events().some(({ event_name: name }) => name === 'after'));
  const rows = page.locator('.events > li');
  await until(async () => /after\s+delivered/.test((await rows.allInnerTexts()).join()));
});
