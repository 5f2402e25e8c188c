// What a page links to is there, and has that heading.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'node:test';
import { root } from '../support/package.mjs';
import { pages, read } from './blocks.mjs';

const text = (/** @type {string} */ page) => read(page).replace(/^```.*?^```/gms, '');

/** @returns {string[]} the anchors of a page's headings, as forges make them */
function anchors(/** @type {string} */ page) {
  const headings = text(page).matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

for (const page of pages) {
  test(`${page}: its links lead somewhere`, () => {
    const links = [...text(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    for (const link of links) {
      if (/^https?:/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path ? normalize(join(dirname(page), path)) : page;
      assert.ok(existsSync(join(root, target)), `${link}: there is no ${target}`);
      if (anchor) assert.ok(anchors(target).includes(anchor), `${link}: no such heading`);
    }
  });
}

test('every page in docs is linked from the README or from a page that is', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const [, link] of text(page).matchAll(/\]\(([^)\s#]+\.md)/g)) {
      const target = normalize(join(dirname(page), link));
      if (existsSync(join(root, target))) reached.add(target);
    }
  }
  assert.deepEqual(
    pages.filter((page) => !reached.has(page)),
    [],
  );
});

test('docs/api.md is what the declarations say', async () => {
  const { page, reference } = await import('../../tools/api.mjs');
  assert.equal(readFileSync(page, 'utf8'), reference(), 'make docs');
});
