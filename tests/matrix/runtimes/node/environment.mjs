import { processes } from '../../support/processes.mjs';

export const environments = [
  processes({
    name: `Node ${process.versions.node}`,
    quick: true,
    command: () => [process.execPath],
  }),
];
