// Pages that log and then go away, in Chromium, with the package's own settings. Each trial counts what
// reached the endpoint in the end, and what did so twice.
import { crash, launch, leaveBy } from '../support/browser.mjs';
import { later, site, stats, stored } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

const page = (more = '') => `telemetry.init({ serviceName: 'tried', ${more} });`;
const pages = {
  '/': page(),
  '/write-ahead': page("durability: 'write-ahead'"),
  '/elsewhere': 'document.title = "elsewhere"',
};

/**
 * @typedef {object} Outcome
 * @property {number} logged
 * @property {number} arrived different events that the endpoint took
 * @property {number} doubled events that it took more than once
 * @property {string} note
 */

/** @type {{ title: string, run(t: import('../support/server.mjs').Scope): Promise<Outcome> }[]} */
export const trials = [
  {
    title: '20 events, the page navigates away 50 ms later',
    async run(t) {
      const { server, open } = await visit(t);
      const first = await open('/');
      await heard(first);
      const logAndLeave = () => {
        for (let n = 0; n < 20; n += 1) telemetry.logEvent('logged', { n });
        setTimeout(() => location.assign('/elsewhere'), 50);
      };
      await leaveBy(first, logAndLeave, '**/elsewhere');
      return countVisits(server, 20, first);
    },
  },
  {
    title: '150 events of about 1 KB each, the page navigates at once',
    async run(t) {
      const { server, open } = await visit(t);
      const first = await open('/');
      await heard(first);
      const logAndLeave = () => {
        // Text that no compression makes smaller.
        const bytes = crypto.getRandomValues(new Uint8Array(1_000)).map((byte) => 40 + (byte & 63));
        const text = telemetry.verified(String.fromCharCode(...bytes));
        for (let n = 0; n < 150; n += 1) telemetry.logEvent('logged', { n, text });
        location.assign('/elsewhere');
      };
      await leaveBy(first, logAndLeave, '**/elsewhere');
      return countVisits(server, 150, first);
    },
  },
  {
    title: '503 from the endpoint, then a reload with the endpoint back',
    async run(t) {
      const { server, open } = await visit(t);
      const first = await open('/');
      server.answerWith(() => ({ status: 503 }));
      await first.evaluate(() => {
        for (let n = 0; n < 20; n += 1) telemetry.logEvent('logged', { n });
        return telemetry.flush();
      });
      await reloadAll(server, [first]);
      return count(server, 20, [first], 'all after the reload');
    },
  },
  {
    title: 'the renderer is killed 300 ms after 20 events, with `write-ahead`',
    async run(t) {
      const { server, context, open } = await visit(t);
      const first = await open('/write-ahead');
      await first.evaluate(async () => {
        await telemetry.ready();
        for (let n = 0; n < 20; n += 1) telemetry.logEvent('logged', { n });
        await new Promise((resolve) => setTimeout(resolve, 300));
      });
      await crash(first);
      await later(context);
      const second = await open('/write-ahead');
      return count(server, 20, [second], 'all at the next visit');
    },
  },
  {
    title: 'two tabs in an outage, 20 events each, both reload',
    async run(t) {
      const { server, open } = await visit(t);
      const tabs = [await open('/'), await open('/')];
      server.answerWith(() => ({ status: 0 }));
      for (const [index, tab] of tabs.entries()) {
        await tab.evaluate((from) => {
          for (let n = from; n < from + 20; n += 1) telemetry.logEvent('logged', { n });
          return telemetry.flush();
        }, index * 20);
      }
      await reloadAll(server, tabs);
      return count(server, 40, tabs, 'all after the reload');
    },
  },
];

async function visit(/** @type {import('../support/server.mjs').Scope} */ t) {
  const browser = await launch();
  t.after(() => browser.close());
  return site(t, browser, pages);
}

/** So that the client knows its endpoint to be well, as it does but for the first moments. */
const heard = (/** @type {import('playwright-core').Page} */ tab) =>
  tab.evaluate(() => {
    telemetry.logEvent('opened');
    return telemetry.flush();
  });

/**
 * The endpoint is back as soon as the old pages are gone: no success has nobody left to see it. What
 * they had under way is not waited for half a minute.
 */
async function reloadAll(
  /** @type {any} */ server,
  /** @type {import('playwright-core').Page[]} */ tabs,
) {
  await later(tabs[0].context());
  await Promise.all(tabs.map((tab) => tab.reload({ waitUntil: 'commit' })));
  server.answerWith(() => undefined);
}

const arrivals = (/** @type {any} */ server) =>
  server
    .events()
    .filter(({ event_name }) => event_name === 'logged')
    .map(({ event_metadata: { n } }) => n);

async function countVisits(server, logged, tab) {
  const now = new Set(arrivals(server)).size;
  await tab.goto(`${server.url}/`);
  const outcome = await count(server, logged, [tab], '');
  return { ...outcome, note: `${now} at once, ${outcome.arrived - now} at the next visit` };
}

/** Waits until nothing is on its way any more. */
async function count(server, logged, tabs, note) {
  await until(() => new Set(arrivals(server)).size >= logged, `${logged} events`);
  for (const tab of tabs) {
    await tab.evaluate(() => telemetry.flush());
    await until(async () => {
      const { ledger } = await stats(tab);
      const left = await stored(tab, 'tried');
      return left.length + ledger.queued + ledger.inFlight === 0;
    });
  }
  const all = arrivals(server);
  const arrived = new Set(all).size;
  return { logged, arrived, doubled: all.length - arrived, note };
}
