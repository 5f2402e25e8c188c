import { versionOf } from '../../support/environments.mjs';
import { processes } from '../../support/processes.mjs';

export const environments = [
  processes({ name: `Bun ${versionOf(import.meta.url, 'bun')}`, command: () => ['bun'] }),
];
