import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, version } from 'esbuild';
import { html, page, script } from '../../support/programs.mjs';

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: `esbuild ${version}, for browsers`,
    quick: true,
    async run({ project, visit }) {
      writeFileSync(join(project, 'program.js'), page);
      writeFileSync(join(project, 'index.html'), html);
      await build({
        absWorkingDir: project,
        entryPoints: ['program.js'],
        outfile: 'main.js',
        bundle: true,
        logLevel: 'error',
      });
      await visit('/', '.');
    },
  },
  .../** @type {const} */ (['esm', 'cjs']).map((format) => ({
    name: `esbuild ${version}, for Node, ${format}`,
    quick: true,
    async run(/** @type {import('../../support/lab.mjs').Lab} */ { project, exec }) {
      const outfile = `main.${format === 'esm' ? 'mjs' : 'cjs'}`;
      writeFileSync(join(project, 'program.js'), script);
      await build({
        absWorkingDir: project,
        entryPoints: ['program.js'],
        outfile,
        platform: 'node',
        format,
        bundle: true,
        logLevel: 'error',
      });
      await exec('node', [outfile]);
    },
  })),
];
