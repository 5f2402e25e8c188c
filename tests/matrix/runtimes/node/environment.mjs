import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required, script } from '../../support/programs.mjs';

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: `Node ${process.versions.node}, import`,
    quick: true,
    async run({ project, exec }) {
      writeFileSync(join(project, 'main.mjs'), script);
      await exec('node', ['main.mjs']);
    },
  },
  {
    name: `Node ${process.versions.node}, require`,
    quick: true,
    async run({ project, exec }) {
      writeFileSync(join(project, 'main.cjs'), required);
      await exec('node', ['main.cjs']);
    },
  },
];
