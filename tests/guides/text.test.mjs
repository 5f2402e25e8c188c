// What the guides show is what runs: each block of code is a part of an example's file.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../support/package.mjs';

const folder = join(root, 'docs', 'guides');
const fence = /^```(\w+)(?: file=(\S+))?\n(.*?)^```$/gms;
// Commands and data; anything else is code, and must come from a file.
const uncoded = ['sh', 'text', 'json', 'sql'];

for (const guide of readdirSync(folder).filter((name) => name.endsWith('.md'))) {
  const text = readFileSync(join(folder, guide), 'utf8');

  test(`${guide}: its code is the examples'`, () => {
    assert.equal(text.match(/^```/gm)?.length ?? 0, 2 * [...text.matchAll(fence)].length);
    for (const [, language, file, code] of text.matchAll(fence)) {
      if (!file && uncoded.includes(language)) continue;
      assert.ok(file, `a block of ${language} does not name its file:\n${code}`);
      const whole = `\n${readFileSync(join(root, file), 'utf8')}`;
      assert.ok(whole.includes(`\n${code}`), `not in ${file}:\n${code}`);
    }
  });
}
