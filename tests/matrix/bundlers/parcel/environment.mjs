import { bundled } from '../../support/bundlers.mjs';
import { versionOf } from '../../support/environments.mjs';
import { slimPage } from '../../support/programs.mjs';

const version = versionOf(import.meta.url, 'parcel');
const slim = slimPage(
  `const wasm = new URL('npm:wasm-telemetry/dist/wasm-telemetry.wasm', import.meta.url);`,
);

const build = (/** @type {import('../../support/lab.mjs').Lab} */ { exec }) =>
  exec('parcel', ['build', 'src/index.html', '--dist-dir', 'dist', '--no-cache']);

export const environments = [
  bundled(`Parcel ${version}`, build),
  bundled(`Parcel ${version}, slim`, build, { program: slim }),
];
