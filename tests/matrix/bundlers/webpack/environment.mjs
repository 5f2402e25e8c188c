import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundled } from '../../support/bundlers.mjs';
import { versionOf } from '../../support/environments.mjs';
import { page, required, script, slimPage } from '../../support/programs.mjs';

const version = versionOf(import.meta.url, 'webpack');

const slim = slimPage(
  `const wasm = new URL('wasm-telemetry/wasm-telemetry.wasm', import.meta.url);`,
);

const build =
  (/** @type {string} */ mode) =>
  (/** @type {import('../../support/lab.mjs').Lab} */ { exec }) =>
    exec('webpack', ['./src/main.js', '--mode', mode]);

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  bundled(`webpack ${version}, production`, build('production'), { quick: true }),
  bundled(`webpack ${version}, development`, build('development')),
  bundled(`webpack ${version}, production, require`, build('production'), {
    program: required(page),
  }),
  bundled(`webpack ${version}, production, slim`, build('production'), { program: slim }),
  {
    name: `webpack ${version}, for Node`,
    async run({ project, exec }) {
      writeFileSync(join(project, 'main.js'), script);
      await exec('webpack', ['./main.js', '--mode', 'production', '--target', 'node']);
      await exec('node', ['dist/main.js']);
    },
  },
];
