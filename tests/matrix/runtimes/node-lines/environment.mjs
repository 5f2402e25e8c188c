// Newer lines of Node, whose binaries come as npm packages.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processes } from '../../support/processes.mjs';

const { optionalDependencies } = JSON.parse(
  readFileSync(new URL('package.json', import.meta.url), 'utf8'),
);
const suffix = `-${process.platform}-${process.arch}`;

export const environments = Object.entries(optionalDependencies)
  .filter(([alias]) => alias.endsWith(suffix))
  .map(([alias, source]) =>
    processes({
      name: `Node ${source.split('@').at(-1)}`,
      command: ({ project }) => [join(project, 'node_modules', alias, 'bin', 'node')],
    }),
  );
