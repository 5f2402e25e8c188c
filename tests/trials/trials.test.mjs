// Every trial: all that was logged arrives, and nothing twice. `make trials` prints their table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trials as inBrowser } from './browser.mjs';
import { trials as inNode } from './node.mjs';

for (const { title, run } of [...inBrowser, ...inNode]) {
  test(title, async (t) => {
    const { logged, arrived, doubled } = await run(t);
    assert.equal(arrived, logged);
    assert.equal(doubled, 0);
  });
}
