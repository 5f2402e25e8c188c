// The demo's page, in real Chromium: the story ends with what the database says, and everybody can use it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../../tools/install.mjs';
import { launch } from '../support/browser.mjs';
import { picture, sceneNames } from './pictures.mjs';
import { looks, startDemo } from './site.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
ensureInstalled(here);
const axe = readFileSync(createRequire(join(here, 'x.js')).resolve('axe-core/axe.min.js'), 'utf8');

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** @returns {Promise<string[]>} what axe has to say */
async function complaints(/** @type {import('playwright-core').Page} */ page) {
  // By the debugger, which the page's policy does not bind.
  await page.evaluate(axe);
  const { violations } = await page.evaluate('axe.run()');
  return violations.flatMap((/** @type {any} */ { id, help, nodes }) =>
    nodes.map((/** @type {any} */ { target }) => `${id}: ${help} (${target})`),
  );
}

for (const { name, viewport, colorScheme } of looks) {
  test(`${name}: axe finds nothing, nothing scrolls sideways`, async (t) => {
    const address = await startDemo(t);
    const scheme = /** @type {'light' | 'dark'} */ (colorScheme);
    const page = await browser.newPage({ viewport, colorScheme: scheme });
    t.after(() => page.close());
    await page.goto(address);
    await page.locator('#delivered', { hasText: /[1-9]/ }).waitFor();
    assert.deepEqual(await complaints(page), []);

    await page.locator('#modes [value=down]').check({ force: true });
    await page.locator('#log-many').click();
    await page.locator('#stored', { hasText: /[1-9]/ }).waitFor();
    await page.locator('#story-play').click();
    assert.deepEqual(await complaints(page), []);

    for (const width of [viewport.width, 320]) {
      await page.setViewportSize({ ...viewport, width });
      const wider = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      assert.equal(wider, 0, `${width} pixels`);
    }
  });
}

test('the story: an outage with a reload in it, and every event arrives once', async (t) => {
  const address = await startDemo(t);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${address}?pace=12`);
  // By keyboard alone.
  await page.locator('#story-play').focus();
  await page.keyboard.press('Enter');
  await page.locator('#story[data-tally]').waitFor({ timeout: 60_000 });
  const tally = await page.locator('#story').getAttribute('data-tally');
  const [logged, arrived, doubled] = String(tally).split(' ').map(Number);
  assert.ok(logged > 100, `${tally}`);
  assert.deepEqual({ arrived, doubled }, { arrived: logged, doubled: 0 });
  const told = await page.locator('#story-text').textContent();
  assert.match(String(told), new RegExp(`Logged ${logged}, arrived ${arrived}, doubled 0`));
});

test('the story can be paused, gone on with, and left', async (t) => {
  const address = await startDemo(t);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${address}?pace=0.1`);
  await page.locator('#story-play').click();
  await page.locator('#story-next').click();
  await page.locator('#story[data-chapter="1"]').waitFor();
  await page.locator('#story-pause').click();
  assert.equal(await page.locator('#story-pause').textContent(), 'Go on');
  await page.locator('#story-end').click();
  await page.locator('#story[data-chapter=""]').waitFor();
  await page.locator('#modes [value=ok]:checked').waitFor();
});

test('pictures can be taken of every scene', async (t) => {
  const address = await startDemo(t);
  for (const scene of sceneNames) {
    const png = await picture(browser, address, scene);
    assert.equal(png.subarray(1, 4).toString(), 'PNG');
    assert.ok(png.length < 400_000, `${scene}: ${png.length} bytes`);
  }
});
