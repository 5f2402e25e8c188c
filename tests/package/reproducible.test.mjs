// Whoever builds the same sources in another folder gets the same bytes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { env } from '../../tools/env.mjs';
import { dist, folder, root } from '../support/package.mjs';

test('a build in another folder gives the same bytes', (t) => {
  const other = join(folder(t), 'another place, and a longer one');
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = String(execFileSync('git', listed, { cwd: root }))
    .split('\0')
    .filter(Boolean);
  const needed = /^(src\/|pkg\/|tools\/|Cargo|package|tsconfig|rust-toolchain|README|LICENSE)/;
  for (const file of files.filter((name) => needed.test(name) && existsSync(join(root, name)))) {
    cpSync(join(root, file), join(other, file), { recursive: true });
  }
  // Cargo wants to see every target that its manifest names.
  for (const name of ['tests', 'benches', 'node_modules'])
    symlinkSync(join(root, name), join(other, name));
  const own = /** @type {NodeJS.ProcessEnv} */ ({ ...env });
  delete own.CARGO_TARGET_DIR;
  execFileSync(process.execPath, ['tools/build.mjs'], { cwd: other, env: own, stdio: 'pipe' });
  const built = readdirSync(join(other, 'pkg', 'dist')).sort();
  assert.deepEqual(built, readdirSync(dist).sort());
  for (const name of built) {
    const [here, there] = [dist, join(other, 'pkg', 'dist')].map((at) =>
      readFileSync(join(at, name)),
    );
    assert.ok(here.equals(there), name);
  }
});
