// The panel, by axe: light and dark, each of its views.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureInstalled } from '../../tools/install.mjs';
import { launch } from '../support/browser.mjs';
import { root } from '../support/package.mjs';
import { visit } from './visit.mjs';

// The demo has it, too.
const folder = join(root, 'tests', 'demo');
ensureInstalled(folder);
const { resolve } = createRequire(join(folder, 'package.json'));
const axe = readFileSync(resolve('axe-core/axe.min.js'), 'utf8');

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

for (const colorScheme of ['light', 'dark']) {
  test(`${colorScheme}: axe finds nothing`, async (t) => {
    const { server, page, run, flush } = await visit(t, browser, {
      context: { colorScheme },
      options: { sampling: { seen: { sample_rate: 0 } } },
    });
    const statuses = [200, 400, 503];
    server.answerWith((_, index) => ({ status: statuses[index] }));
    for (const name of ['bought', 'refused', 'kept']) {
      await run(`telemetry.logEvent('${name}', { items: 3, note: 'x' })`);
      await flush();
    }
    await run(`telemetry.logEvent('seen'); telemetry.logEvent('queued');
      dispatchEvent(new PageTransitionEvent('pagehide')); telemetry.logEvent('late')`);
    await page.evaluate(axe);
    const check = async (/** @type {string} */ view) => {
      const found = await run(`(async () => {
        // Outside of the body axe does not know what is behind a text.
        document.body.append(document.querySelector('wasm-telemetry-inspector'));
        const { violations, incomplete } = await axe.run('wasm-telemetry-inspector');
        const contrast = incomplete.filter(({ id }) => id === 'color-contrast');
        return [...violations, ...contrast].map(({ id, nodes }) => [id, ...nodes.map((n) => n.html)]);
      })()`);
      assert.deepEqual(found, [], view);
    };
    await check('closed');
    await run('inspector.open()');
    await check('events');
    await page.getByRole('button', { name: /bought/ }).click();
    await check('an event');
    await page.getByRole('tab', { name: 'Configuration' }).click();
    await check('configuration');
  });
}
