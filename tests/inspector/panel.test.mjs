// The panel: what it shows, by hand and by keyboard, and that no policy of the page forbids it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from '../support/browser.mjs';
import { until } from '../support/wait.mjs';
import { bundled, idle, visit } from './visit.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

const rows = async (page) =>
  (await page.locator('.events > li').allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));

/** As it is rendered. */
const textOf = async (locator) => (await locator.allInnerTexts()).join();

/** The settings in the panel: name to value and origin. */
async function settings(page) {
  await page.getByRole('tab', { name: 'Configuration' }).click();
  const lines = await page.locator('tbody tr').allInnerTexts();
  return Object.fromEntries(
    lines.map((line) => {
      const [name, value, from] = line.split('\t').map((cell) => cell.trim());
      return [name, `${value} (${from})`];
    }),
  );
}

test('the list, the ledger and an event, as they change', async (t) => {
  const { server, page, run, flush, fate, problems } = await visit(t, browser);
  await page.getByRole('button', { name: 'Inspector' }).click();
  const panel = page.getByRole('dialog', { name: 'Telemetry inspector' });
  assert.match(await textOf(panel), /Nothing logged yet/);
  await run(`telemetry.logEvent('bought', { items: 3, note: 'x' }); telemetry.logEvent('')`);
  await until(async () => (await rows(page)).length === 2);
  const [second, first] = await rows(page);
  assert.match(second, /\(no name\) dropped: invalid_name$/);
  assert.match(first, /bought −1 queued$/);
  await panel.getByRole('button', { name: /bought/ }).click();
  await flush();
  const { eventId, batch } = await fate('bought', 'delivered');
  const detail = panel.getByRole('region', { name: 'What became of bought' });
  await until(async () => /the endpoint answered 200\n.*delivered/s.test(await textOf(detail)));
  const text = await textOf(detail);
  assert.match(text, /left out: "note"/);
  assert.ok(text.includes(eventId) && text.includes(batch.id), text);
  const pre = JSON.parse(await textOf(detail.locator('pre')));
  assert.deepEqual(pre, server.events()[0]);
  const ledger = await textOf(panel.getByRole('region', { name: 'Ledger' }));
  assert.match(ledger.replace(/\s+/g, ' '), /^2 accepted ?balances delivered 1 .* dropped 1/);
  assert.match(ledger, /dropped, invalid_name: 1/);
  assert.deepEqual(problems, []);
});

test('search by name and by id, and the filter by fate', async (t) => {
  const { page, run, event } = await visit(t, browser, {
    options: { sampling: { seen: { sample_rate: 0 } } },
  });
  await run(
    `for (const name of ['bought', 'seen', 'brought']) telemetry.logEvent(name); inspector.open()`,
  );
  const names = async () => (await rows(page)).map((row) => row.split(' ')[1]);
  const search = page.getByRole('searchbox');
  await search.fill('ROUGHT');
  assert.deepEqual(await names(), ['brought']);
  await search.fill((await event('bought')).eventId);
  assert.deepEqual(await names(), ['bought']);
  await search.fill('');
  await page.getByRole('combobox', { name: 'Fate' }).selectOption('sampled out');
  assert.deepEqual(await names(), ['seen']);
});

test('each setting in force, and where it comes from', async (t) => {
  const { page, run } = await visit(t, browser, {
    options: {
      serviceVersion: '1.2.3',
      headers: { 'x-secret': 'do not show' },
      batch: { ...idle, maxQueueSize: 100 },
      sampling: { bought: { sample_rate: 0.5 } },
    },
  });
  await run(`telemetry.updateConfig({
    batch: { maxQueueSize: 7, maxAttempts: 3 }, killed: false,
    sampling: { seen: { sample_rate: 0.1, by: 'session' } },
  }); telemetry.setConsent('pending'); inspector.open()`);
  const shown = await settings(page);
  assert.equal(shown['batch.maxQueueSize'], '100 (init)');
  assert.equal(shown['batch.maxAttempts'], '3 (updateConfig)');
  assert.equal(shown['batch.maxQueueBytes'], '8388608 (default)');
  assert.match(shown['batch.baseUrl'], /^http:\/\/127.0.0.1:\d+ \(this page\)$/);
  assert.equal(shown.killed, 'false (updateConfig)');
  assert.equal(shown['sampling.bought'], '0.5 (init)');
  assert.equal(shown['sampling.seen'], '0.1 by session (updateConfig)');
  assert.equal(shown.consent, 'pending (setConsent)');
  assert.equal(shown.format, 'json (default)');
  assert.equal(shown.serviceVersion, '1.2.3 (init)');
  assert.equal(shown.headers, 'x-secret (init)');
});

test('several instances, one chosen', async (t) => {
  const { page, run } = await visit(t, browser);
  await run(`window.second = new telemetry.Telemetry({ serviceName: 'second', enabled: true });
    second.ready().then(() => { second.logEvent('theirs'); telemetry.logEvent('ours'); inspector.open(); })`);
  await until(async () => (await rows(page)).some((row) => row.includes('ours')));
  assert.equal((await rows(page)).length, 1);
  await page.getByRole('combobox', { name: 'Instance' }).selectOption('second');
  assert.match((await rows(page)).join(), /theirs/);
});

test('by keyboard: open, go round the tabs, close; the focus comes back', async (t) => {
  const { page, run } = await visit(t, browser);
  const own = page.getByRole('button', { name: "The page's own" });
  const panel = page.getByRole('dialog', { name: 'Telemetry inspector' });
  await own.focus();
  await page.keyboard.press('Alt+Shift+KeyW');
  const focused = () =>
    run(`document.activeElement.shadowRoot?.activeElement?.getAttribute('aria-label')
    ?? document.activeElement.textContent`);
  assert.equal(await focused(), 'Search by name or event id');
  await page.getByRole('tab', { name: 'Events' }).focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await textOf(page.locator('[role=tab][aria-selected=true]')), 'Configuration');
  await page.keyboard.press('Escape');
  assert.equal(await panel.isVisible(), false);
  assert.equal(await focused(), "The page's own");
  await page.getByRole('button', { name: 'Inspector' }).press('Enter');
  assert.equal(await panel.isVisible(), true);
  await run('inspector.close()');
  assert.equal(await panel.isVisible(), false);
});

test('under a strict policy, with trusted types', async (t) => {
  const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self';
    require-trusted-types-for 'script'; trusted-types 'none'`;
  const { page, run, problems } = await visit(t, browser, {
    headers: { 'Content-Security-Policy': policy.replace(/\s+/g, ' ') },
  });
  const complaints = [];
  page.on('console', (message) => complaints.push(message.text()));
  await run(`telemetry.logEvent('bought'); inspector.open()`);
  await page.getByRole('button', { name: /bought/ }).click();
  await page.getByRole('tab', { name: 'Configuration' }).click();
  const panel = page.getByRole('dialog');
  assert.equal(await panel.evaluate((element) => getComputedStyle(element).position), 'fixed');
  assert.deepEqual([complaints, problems], [[], []]);
});

test('on a phone nothing is wider than the screen', async (t) => {
  const { page, run } = await visit(t, browser, {
    context: { viewport: { width: 320, height: 568 }, hasTouch: true },
  });
  await run(`telemetry.logEvent('a'.repeat(200), { ['b'.repeat(100)]: 1 }); inspector.open()`);
  await page.locator('.row').click();
  const wide = await page.getByRole('dialog').evaluate((panel) =>
    [...panel.querySelectorAll('*')]
      .filter((each) => !each.closest('pre'))
      .filter((each) => each.getBoundingClientRect().right > innerWidth)
      .map((each) => each.className || each.tagName),
  );
  assert.deepEqual(wide, []);
});

test('the inspector first, or later, or with slim', async (t) => {
  const later = bundled(`
    import * as telemetry from 'wasm-telemetry/slim';
    window.telemetry = telemetry;
    window.load = async () => { window.inspector = await import('wasm-telemetry/inspector'); };
  `);
  const { run, event } = await visit(t, browser, { script: later });
  await run(`telemetry.logEvent('before')`);
  await run('load()');
  assert.equal((await event('before')).fate, 'queued');
  await run('inspector.open()');
});

test('beside the build for production: the ledger, and why there is no more', async (t) => {
  const script = bundled(
    `import * as telemetry from 'wasm-telemetry';
    import * as inspector from 'wasm-telemetry/inspector';
    Object.assign(window, { telemetry, inspector });`,
    ['production'],
  );
  const { page, run } = await visit(t, browser, { script });
  await run(`telemetry.logEvent('bought'); inspector.open()`);
  const text = await textOf(page.getByRole('dialog'));
  assert.match(text, /take the condition "development"/);
  assert.match(text, /1\s+accepted/);
  assert.doesNotMatch(text, /Nothing logged yet|Configuration/);
  assert.deepEqual(await run('inspector.events()'), []);
});
