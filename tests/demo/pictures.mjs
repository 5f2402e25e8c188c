// The pictures in the documentation: node tests/demo/pictures.mjs writes them into docs/images.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from '../support/browser.mjs';
import { root } from '../support/package.mjs';
import { looks, startDemo } from './site.mjs';

/** @typedef {import('playwright-core').Page} Page */

/** @type {Record<string, (page: Page) => Promise<unknown>>} */
const scenes = {
  'outage-wide-dark': outage,
  'outage-phone': outage,
  'inspector-wide': async (page) => {
    await outage(page);
    await page.locator('#inspector').click();
    await page.waitForTimeout(400);
  },
};
export const sceneNames = Object.keys(scenes);

/** Events before, during and after an outage. */
async function outage(/** @type {Page} */ page) {
  await page.locator('#delivered', { hasText: /[1-9]/ }).waitFor();
  await page.locator('#log-many').click();
  await page.locator('#delivered', { hasText: /\d{3}/ }).waitFor();
  await page.locator('#modes [value=down]').check({ force: true });
  for (let time = 0; time < 3; time += 1) {
    await page.locator('#log-many').click();
    await page.waitForTimeout(700);
  }
  // Until the dots lie where they belong.
  await page.locator('#stored', { hasText: /\d{3}/ }).waitFor();
  await page.waitForTimeout(1_500);
  await page.evaluate('scrollTo(0, 0)');
}

/**
 * @param {import('playwright-core').Browser} browser
 * @param {string} address
 * @param {string} scene
 * @returns {Promise<Buffer>}
 */
export async function picture(browser, address, scene) {
  const look = looks.find(({ name }) => scene.endsWith(`-${name}`));
  if (!look) throw new Error(`no look for ${scene}`);
  const colorScheme = /** @type {'light' | 'dark'} */ (look.colorScheme);
  const page = await browser.newPage({ viewport: look.viewport, colorScheme });
  try {
    await page.goto(address);
    await scenes[scene](page);
    return await page.screenshot();
  } finally {
    await fetch(`${address}/api/faults`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: '{"mode":"ok"}',
    });
    await page.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  /** @type {(() => unknown)[]} */
  const endings = [];
  const after = (/** @type {() => unknown} */ done) => void endings.push(done);
  const address = await startDemo(/** @type {any} */ ({ after }));
  const browser = await launch();
  const images = join(root, 'docs', 'images');
  mkdirSync(images, { recursive: true });
  for (const scene of sceneNames) {
    const png = await picture(browser, address, scene);
    writeFileSync(join(images, `${scene}.png`), png);
    console.log(`docs/images/${scene}.png: ${Math.round(png.length / 1_024)} KiB`);
  }
  await browser.close();
  for (const end of endings.reverse()) await end();
}
