// The code blocks of the README and of the pages in docs/.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/package.mjs';

/** @typedef {{ page: string, line: number, language: string, code: string }} Block */

export const pages = [
  ...['README.md', 'SECURITY.md', 'ARCHITECTURE.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

export const read = (/** @type {string} */ page) => readFileSync(join(root, page), 'utf8');

/** @returns {Block[]} in their order */
export function blocksOf(/** @type {string} */ page) {
  const blocks = [];
  /** @type {Block | undefined} */
  let open;
  for (const [index, line] of read(page).split('\n').entries()) {
    const fence = line.match(/^```(\S*)/);
    if (fence && open) open = void blocks.push(open);
    else if (fence) open = { page, line: index + 1, language: fence[1], code: '' };
    else if (open) open.code += `${line}\n`;
  }
  return blocks;
}
