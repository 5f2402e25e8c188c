import { versionOf } from '../../support/environments.mjs';

const version = versionOf(import.meta.url, 'jest');

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: `Jest ${version}`,
    async run({ exec }) {
      await exec('jest', ['main']);
    },
  },
  {
    name: `Jest ${version}, jsdom`,
    events: [],
    async run({ exec }) {
      await exec('jest', ['page']);
      return 'jsdom has no fetch: what is logged is kept, and nothing sent';
    },
  },
];
