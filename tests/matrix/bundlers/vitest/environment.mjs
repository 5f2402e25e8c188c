import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { versionOf } from '../../support/environments.mjs';

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: `Vitest ${versionOf(import.meta.url, 'vitest')}`,
    async run({ project, exec }) {
      // It needs Node 22, which is among the project's packages.
      const node = readdirSync(join(project, 'node_modules')).find((name) =>
        /^node-.+-/.test(name),
      );
      if (!node) throw new Error('no Node 22 for this machine among the packages of npm');
      const binary = join(project, 'node_modules', node, 'bin/node');
      await exec(binary, ['node_modules/vitest/vitest.mjs', 'run']);
    },
  },
];
