import { bundled } from '../../support/bundlers.mjs';
import { versionOf } from '../../support/environments.mjs';

export const environments = [
  bundled(`Parcel ${versionOf(import.meta.url, 'parcel')}, build`, ({ exec }) =>
    exec('parcel', ['build', 'src/index.html', '--dist-dir', 'dist', '--no-cache']),
  ),
];
