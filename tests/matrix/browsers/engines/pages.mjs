import { idle } from '../../../support/site.mjs';
import { until } from '../../../support/wait.mjs';

/** The clock of a later visit: no lease is in force any more. */
const later = 'const { now } = Date; Date.now = () => now() + 10 * 60_000;';

/** @type {Record<string, import('../../support/visits.mjs').Check>} */
export const pages = {
  async 'the first line logs'({ give, start, logMany, arrive, server }, browser) {
    give({ '/': `${start()} ${logMany()}` });
    await browser.visit(`${server.url}/`);
    await arrive(20);
  },

  async 'the store is IndexedDB'({ give, start, server }, browser) {
    give({ '/': `${start()} telemetry.ready().then(() => { window.isReady = true; });` });
    await browser.visit(`${server.url}/`);
    await until(() => browser.evaluate('window.isReady === true'));
    const kind = await browser.evaluate('telemetry.stats().store.kind');
    const codes = await browser.evaluate('codes.join()');
    if (kind !== 'indexeddb' || codes) throw new Error(`it is ${kind}: ${codes}`);
  },

  async 'a page that leaves at its first line'({ give, start, logMany, arrive, server }, browser) {
    give({
      '/': `${start(idle)} ${logMany()} location.href = '/other';`,
      '/other': '',
      '/later': `${later} ${start()}`,
    });
    await browser.visit(`${server.url}/`);
    await until(() => browser.evaluate('location.pathname === "/other"'));
    await browser.visit(`${server.url}/later`);
    await arrive(20);
  },

  async 'a page that leaves later'({ give, start, logMany, arrive, server }, browser) {
    give({
      '/': `${start(idle)} telemetry.ready().then(() => {
        ${logMany()}
        setTimeout(() => { location.href = '/other'; }, 50);
      });`,
      '/other': '',
      '/later': `${later} ${start()}`,
    });
    await browser.visit(`${server.url}/`);
    await until(() => browser.evaluate('location.pathname === "/other"'));
    await browser.visit(`${server.url}/later`);
    await arrive(20);
  },

  async 'a page that leaves while the endpoint is down'(
    { give, start, logMany, arrive, server },
    browser,
  ) {
    give({
      '/': `${start(idle)} telemetry.ready().then(() => {
        ${logMany()}
        location.href = '/other';
      });`,
      '/other': '',
      '/later': `${later} ${start()}`,
    });
    server.answerWith(() => ({ status: 0 }));
    await browser.visit(`${server.url}/`);
    await until(() => browser.evaluate('location.pathname === "/other"'));
    server.answerWith(() => undefined);
    await browser.visit(`${server.url}/later`);
    await arrive(20);
  },

  async 'a window that is closed'({ give, start, logMany, arrive, server }, browser) {
    give({
      '/': `${start(idle)} telemetry.ready().then(() => { ${logMany()} window.logged = true; });`,
      '/later': `${later} ${start()}`,
    });
    const first = await browser.window();
    await browser.openWindow();
    await browser.visit(`${server.url}/`);
    await until(() => browser.evaluate('window.logged === true'));
    await browser.closeWindow();
    await browser.switchTo(first);
    await browser.visit(`${server.url}/later`);
    await arrive(20);
  },

  async 'a page that comes back'({ give, start, logMany, arrive, server }, browser) {
    give({
      '/': `${start()} var shown = 0; addEventListener('pageshow', () => { shown += 1; });`,
      '/other': '',
    });
    await browser.visit(`${server.url}/`);
    await until(() => browser.evaluate('window.shown === 1'));
    await browser.visit(`${server.url}/other`);
    await browser.back();
    await until(() => browser.evaluate('window.shown >= 1'));
    const cached = await browser.evaluate('shown === 2');
    await browser.evaluate(`(() => { ${logMany()} })()`);
    await arrive(20);
    return cached ? undefined : 'no back/forward cache under its driver';
  },

  async 'two tabs share what is stored'({ give, start, arrive, server }, browser) {
    const log = (/** @type {number} */ from) =>
      `for (let n = ${from}; n < ${from} + 20; n += 1) telemetry.logEvent('counted', { n });
       telemetry.flush({ timeoutMillis: 500 }).then(() => { window.flushed = true; });`;
    const patient = start(
      'batch: { baseBackoffMillis: 20, maxBackoffMillis: 200, maxAttempts: 100 }',
    );
    give({ '/0': `${patient} ${log(0)}`, '/20': `${patient} ${log(20)}` });
    server.answerWith(() => ({ status: 503 }));
    await browser.visit(`${server.url}/0`);
    await until(() => browser.evaluate('window.flushed === true'));
    const first = await browser.window();
    await browser.openWindow();
    await browser.visit(`${server.url}/20`);
    await until(() => browser.evaluate('window.flushed === true'));
    server.answerWith(() => undefined);
    await arrive(40);
    await browser.closeWindow();
    await browser.switchTo(first);
  },
};
