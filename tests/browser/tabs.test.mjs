// Several tabs on one store: each batch is exported by one of them, and a dead holder's is taken over.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crash, launch } from '../support/browser.mjs';
import { ids, later, site, start, stored, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const small =
  'batch: { scheduledDelayMillis: 3600000, maxExportBatchSize: 5, baseBackoffMillis: 20 }';
const pages = {
  '/': start(small),
  '/write-ahead': start(`${small}, durability: 'write-ahead'`),
  '/other': 'document.title = "other"',
};
const tabs = [0, 1, 2, 3];

/** Each tab logs numbers of its own; the endpoint's answer makes sure that they are stored. */
async function fill(open, path = '/') {
  const all = [];
  for (const tab of tabs) {
    const page = await open(path);
    await page.evaluate(
      (from) =>
        telemetry.ready().then(() => {
          for (let n = from; n < from + 20; n += 1) telemetry.logEvent('counted', { n });
        }),
      tab * 20,
    );
    all.push(page);
  }
  await until(async () => (await storedEvents(all[0])) === 80);
  return all;
}

const storedEvents = async (page) =>
  (await stored(page)).reduce((sum, { events }) => sum + events, 0);
const batches = (requests) => requests.map(({ body }) => body.batch.id);
const sorted = (server) =>
  server
    .events()
    .map(({ event_metadata: { n } }) => n)
    .sort((a, b) => a - b);

test('four tabs that all reload after an outage: each batch is exported once', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  server.answerWith(() => ({ status: 0 }));
  const pages4 = await fill(open);
  for (const page of pages4) await page.goto(`${server.url}/other`);
  server.answerWith(() => undefined);
  await later(context);
  await Promise.all(pages4.map((page) => page.goto(server.url)));
  await until(() => ids(server.events()).size === 80);
  await until(async () => (await stored(pages4[0])).length === 0);
  assert.deepEqual(sorted(server), upTo(80));
  const sent = batches(server.accepted());
  assert.equal(new Set(sent).size, sent.length);
});

test('tabs that crash while they hold a lease: whoever comes when it is over takes over', async (t) => {
  const { server, context, open } = await site(t, browser, pages);
  server.answerWith(() => ({ hang: true }));
  const pages4 = await fill(open, '/write-ahead');
  await until(() => server.requests.length === 4);
  const held = (await stored(pages4[0])).filter(({ lease }) => lease > Date.now());
  assert.equal(held.length, 16);
  const hanging = new Set(batches(server.requests));
  assert.equal(hanging.size, 4);

  for (const page of pages4) await crash(page);
  server.answerWith(() => undefined);
  // While the leases are in force, nobody touches the batches.
  const early = await open('/');
  await early.evaluate('telemetry.logEvent("early"); telemetry.flush()');
  assert.deepEqual(
    server.events().map(({ event_name }) => event_name),
    ['early'],
  );
  await early.close();

  await later(context);
  const heirs = await Promise.all(tabs.map(() => open('/')));
  const own = () => server.events().filter(({ event_name }) => event_name === 'counted');
  await until(() => own().length >= 80);
  await until(async () => (await stored(heirs[0])).length === 0);
  assert.deepEqual(
    own()
      .map(({ event_metadata: { n } }) => n)
      .sort((a, b) => a - b),
    upTo(80),
  );
  // Under the ids that the dead had sent them with.
  const sent = batches(server.accepted());
  assert.equal(new Set(sent).size, sent.length);
  for (const id of hanging) assert.ok(sent.includes(id));
});

test('a tab that crashes leaves the other tabs at work', async (t) => {
  const { server, open } = await site(t, browser, pages);
  const [first, second] = [await open('/'), await open('/')];
  await first.evaluate('telemetry.logEvent("counted", { n: 0 }); telemetry.flush()');
  await crash(first);
  await second.evaluate('telemetry.logEvent("counted", { n: 1 }); telemetry.flush()');
  assert.deepEqual(sorted(server), [0, 1]);
});
