import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { install, smallestProgram } from './install.mjs';

const { project } = install();
writeFileSync(join(project, 'main.js'), smallestProgram);

test('what only Node has is in bundles for Node, and in no others', async () => {
  for (const platform of /** @type {const} */ (['browser', 'node'])) {
    const { outputFiles } = await build({
      absWorkingDir: project,
      entryPoints: ['main.js'],
      platform,
      bundle: true,
      write: false,
      format: 'esm',
      logLevel: 'error',
    });
    assert.equal(outputFiles[0].text.includes('getBuiltinModule'), platform === 'node', platform);
  }
});
