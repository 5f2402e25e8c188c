import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, version } from 'esbuild';
import { bundled } from '../../support/bundlers.mjs';
import { page, required, script, slimPage } from '../../support/programs.mjs';

const quick = true;
const options = /** @type {const} */ ({ bundle: true, logLevel: 'error' });

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  bundled(`esbuild ${version}`, forBrowsers(), { quick }),
  bundled(`esbuild ${version}, require`, forBrowsers(), { program: required(page), quick }),
  bundled(`esbuild ${version}, slim`, forBrowsers({ '.wasm': 'file' }), {
    program: slimPage(`import wasm from 'wasm-telemetry/wasm-telemetry.wasm';`),
    quick,
    remark: 'with the loader `file` for .wasm',
  }),
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

/** @returns {Parameters<typeof bundled>[1]} */
function forBrowsers(/** @type {import('esbuild').BuildOptions['loader']} */ loader = {}) {
  return ({ project }) =>
    build({
      ...options,
      absWorkingDir: project,
      entryPoints: ['src/main.js'],
      outdir: 'dist',
      format: 'esm',
      loader,
    });
}
