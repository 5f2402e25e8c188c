import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundled } from '../../support/bundlers.mjs';
import { versionOf } from '../../support/environments.mjs';
import { script } from '../../support/programs.mjs';

const version = versionOf(import.meta.url, 'rollup');
// Rollup itself finds no package in node_modules.
const resolve = '@rollup/plugin-node-resolve';
const remark = `with ${resolve}, as any package needs it`;

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  bundled(
    `Rollup ${version}`,
    ({ exec }) =>
      exec('rollup', ['src/main.js', '--dir', 'dist', '--plugin', `${resolve}={browser:true}`]),
    { quick: true, remark },
  ),
  {
    name: `Rollup ${version}, for Node`,
    async run({ project, exec }) {
      writeFileSync(join(project, 'main.js'), script);
      await exec('rollup', ['main.js', '--file', 'dist/main.js', '--plugin', resolve]);
      await exec('node', ['dist/main.js']);
      return remark;
    },
  },
];
