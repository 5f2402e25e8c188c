// A renderer or a browser that dies in the middle: what was stored arrives at the next visit.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crash, launch, launchOn } from '../support/browser.mjs';
import {
  idle,
  ids,
  later,
  logMany,
  numbers,
  serve,
  site,
  start,
  stats,
  stored,
  upTo,
} from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const pages = {
  '/': start(idle),
  '/write-ahead': start(`${idle}, durability: 'write-ahead'`),
  '/fails': start(),
  '/later': start(),
};

/** Logs, and waits until IndexedDB holds all of it. */
async function log(page, count = 20) {
  await page.evaluate(`telemetry.ready().then(() => { ${logMany(count)} })`);
  await until(async () => {
    const entries = await stored(page);
    return entries.reduce((sum, { events }) => sum + events, 0) === count;
  });
}

/** A profile on the disk, and browsers that use it one after the other. */
function profile(t) {
  const directory = mkdtempSync(join(tmpdir(), 'wasm-telemetry-profile-'));
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return async () => {
    const { context, kill } = await launchOn(directory);
    t.after(() => context.close());
    const open = async (url) => {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    };
    return { context, kill, open };
  };
}

test('a renderer that crashes, with write-ahead: all arrive', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  const page = await open('/write-ahead');
  await log(page);
  await crash(page);
  await later(context);
  await open('/later');
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a renderer that crashes in an outage: what its endpoint refused arrives', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  server.answerWith(() => ({ status: 503 }));
  const page = await open('/fails');
  await log(page);
  await crash(page);
  server.answerWith(() => undefined);
  await later(context);
  await open('/later');
  await until(() => ids(server.events()).size === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a renderer that crashes while its request hangs: what was sent before goes out again', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  server.answerWith(() => ({ hang: true }));
  const page = await open('/write-ahead');
  await log(page);
  await page.evaluate(() => void telemetry.flush());
  await until(() => server.requests.length === 1);
  await crash(page);
  server.answerWith(() => undefined);
  await later(context);
  await open('/later');
  await until(() => server.events().length === 20);
  const [sent, again] = server.requests.map(({ body }) => body);
  assert.equal(again.batch.id, sent.batch.id);
  assert.deepEqual(ids(again.events), ids(sent.events));
});

test('a renderer that crashes, by default: what came after the last export is all that is lost', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  const page = await open('/');
  await page.evaluate(`telemetry.ready()
    .then(() => { ${logMany()} return telemetry.flush(); })
    .then(() => telemetry.logEvent('counted', { n: 20 }))`);
  await crash(page);
  await later(context);
  const next = await open('/later');
  await next.evaluate('telemetry.logEvent("counted", { n: 21 }); telemetry.flush()');
  assert.deepEqual(numbers(server.events()), [...upTo(20), 21]);
});

test('a browser that is killed, with write-ahead: all arrive from its profile', async (t) => {
  const server = await serve(t, pages);
  const launchAgain = profile(t);
  const first = await launchAgain();
  const page = await first.open(`${server.url}/write-ahead`);
  await log(page);
  await first.kill();
  const second = await launchAgain();
  await later(second.context);
  await second.open(`${server.url}/later`);
  await until(() => server.events().length === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a browser that is killed in an outage: what its endpoint refused arrives', async (t) => {
  const server = await serve(t, pages);
  server.answerWith(() => ({ status: 503 }));
  const launchAgain = profile(t);
  const first = await launchAgain();
  const page = await first.open(`${server.url}/fails`);
  await log(page);
  await first.kill();
  server.answerWith(() => undefined);
  const second = await launchAgain();
  await later(second.context);
  await second.open(`${server.url}/later`);
  await until(() => ids(server.events()).size === 20);
  assert.deepEqual(numbers(server.events()), upTo(20));
});

test('a browser that is killed, by default: an exposure arrives all the same', async (t) => {
  const server = await serve(t, pages);
  server.answerWith(() => ({ hang: true }));
  const launchAgain = profile(t);
  const first = await launchAgain();
  const page = await first.open(server.url);
  await page.evaluate(`telemetry.ready().then(() => {
    telemetry.logExperiment({ experimentId: 'new-nav', variationId: 1 });
  })`);
  await until(async () => (await stored(page)).length === 1);
  assert.equal((await stats(page)).ledger.delivered, 0);
  await first.kill();
  server.answerWith(() => undefined);
  const second = await launchAgain();
  await later(second.context);
  await second.open(`${server.url}/later`);
  await until(() => server.events().length === 1);
  assert.equal(server.events()[0].experiment_id, 'new-nav');
});
