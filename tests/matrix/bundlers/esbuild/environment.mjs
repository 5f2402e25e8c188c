import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, version } from 'esbuild';
import { bundled } from '../../support/bundlers.mjs';
import { script } from '../../support/programs.mjs';

const quick = true;
const options = /** @type {const} */ ({ bundle: true, logLevel: 'error' });

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  bundled(
    `esbuild ${version}`,
    ({ project }) =>
      build({
        ...options,
        absWorkingDir: project,
        entryPoints: ['src/main.js'],
        outdir: 'dist',
        format: 'esm',
      }),
    { quick },
  ),
  .../** @type {const} */ (['esm', 'cjs']).map((format) => ({
    name: `esbuild ${version}, for Node, ${format}`,
    quick,
    async run(/** @type {import('../../support/lab.mjs').Lab} */ { project, exec }) {
      const outfile = `dist/main.${format === 'esm' ? 'mjs' : 'cjs'}`;
      writeFileSync(join(project, 'main.js'), script);
      await build({
        ...options,
        absWorkingDir: project,
        entryPoints: ['main.js'],
        outfile,
        platform: 'node',
        format,
      });
      await exec('node', [outfile]);
    },
  })),
];
