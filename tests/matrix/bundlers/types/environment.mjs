import { versionOf } from '../../support/environments.mjs';

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: `TypeScript by attw ${versionOf(import.meta.url, '@arethetypeswrong/cli')}`,
    quick: true,
    events: [],
    async run({ exec }) {
      const binary = ['--exclude-entrypoints', 'wasm-telemetry.wasm'];
      await exec('attw', ['--pack', 'node_modules/wasm-telemetry', ...binary]);
      return 'every way in which it finds declarations';
    },
  },
];
