import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundled } from '../../support/bundlers.mjs';
import { versionOf } from '../../support/environments.mjs';
import { script } from '../../support/programs.mjs';

const version = versionOf(import.meta.url, 'webpack');

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  ...['production', 'development'].map((mode) =>
    bundled(`webpack ${version}, ${mode}`, ({ exec }) =>
      exec('webpack', ['./src/main.js', '--mode', mode]),
    ),
  ),
  {
    name: `webpack ${version}, for Node`,
    async run({ project, exec }) {
      writeFileSync(join(project, 'main.js'), script);
      await exec('webpack', ['./main.js', '--mode', 'production', '--target', 'node']);
      await exec('node', ['dist/main.js']);
    },
  },
];
