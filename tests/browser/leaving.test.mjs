// Pages that go away: what they logged arrives now or at the next visit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { idle, ids, later, logMany, numbers, site, start, upTo } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const pages = {
  '/': start(idle),
  '/other': 'document.title = "other"',
  '/later': start(),
};

for (const [what, answer] of [
  ['with the endpoint up', undefined],
  ['with the endpoint down', { status: 0 }],
  ['with an endpoint that hangs', { hang: true }],
]) {
  test(`a page that is left 50 ms after its events, ${what}: all arrive`, async (t) => {
    const { server, context, open } = await site(t, browser, pages);
    server.answerWith(() => answer);
    const page = await open('/');
    await page.evaluate(`telemetry.ready().then(() => {
      ${logMany()}
      setTimeout(() => { location.href = '/other'; }, 50);
    })`);
    await page.waitForURL('**/other');
    server.answerWith(() => undefined);
    await later(context);
    await page.goto(`${server.url}/later`);
    await until(() => ids(server.events()).size === 20, '20 events');
    assert.deepEqual([...new Set(numbers(server.events()))], upTo(20));
  });

  for (const runBeforeUnload of [false, true]) {
    const how = runBeforeUnload ? 'by its user' : 'at once';
    test(`a tab that is closed ${how}, ${what}: all arrive`, async (t) => {
      const { server, context, open } = await site(t, browser, pages);
      server.answerWith(() => answer);
      const page = await open('/');
      await page.evaluate(`telemetry.ready().then(() => { ${logMany()} })`);
      const closed = page.waitForEvent('close');
      await page.close({ runBeforeUnload });
      await closed;
      server.answerWith(() => undefined);
      await later(context);
      await open('/later');
      await until(() => ids(server.events()).size === 20, '20 events');
      assert.deepEqual([...new Set(numbers(server.events()))], upTo(20));
    });
  }
}

test('an exposure right before a redirect, in the same task, arrives', async (t) => {
  const { server, context, open } = await site(t, browser, {
    ...pages,
    '/': `${start(idle)}
      telemetry.ready().then(() => {
        telemetry.logExperiment({ experimentId: 'new-nav', variationId: 1 });
        location.href = '/other';
      });`,
  });
  const page = await open('/');
  await page.waitForURL('**/other');
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => ids(server.events()).size === 1, 'the exposure');
  assert.equal(server.events()[0].experiment_id, 'new-nav');
});

test("what the host logs in its own 'pagehide' and 'visibilitychange' listeners arrives", async (t) => {
  const { server, context, open } = await site(t, browser, {
    ...pages,
    '/': `${start(idle)}
      addEventListener('pagehide', () => telemetry.logEvent('counted', { n: 0 }));
      document.addEventListener('visibilitychange', () => telemetry.logEvent('counted', { n: 1 }));`,
  });
  const page = await open('/');
  await page.evaluate('telemetry.ready()');
  await page.goto(`${server.url}/other`);
  await later(context);
  await page.goto(`${server.url}/later`);
  await until(() => ids(server.events()).size === 2, 'both events');
});
