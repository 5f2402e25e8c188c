import { versionOf } from '../../support/environments.mjs';

const version = versionOf(import.meta.url, 'next');
const quiet = { NEXT_TELEMETRY_DISABLED: '1' };

/** @typedef {import('../../support/lab.mjs').Lab} Lab */

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = ['turbopack', 'webpack'].flatMap((bundler) => [
  {
    name: `Next.js ${version}, ${bundler}, build`,
    events: ['on_the_server', 'in_the_browser'],
    async run({ exec, start, freePort, visit }) {
      const port = String(await freePort());
      await exec('next', ['build', `--${bundler}`], quiet);
      await start('next', ['start', '--port', port], /Ready in/, quiet);
      await visit(`http://localhost:${port}/`);
    },
  },
  {
    name: `Next.js ${version}, ${bundler}, dev`,
    events: ['on_the_server', 'in_the_browser'],
    async run({ start, freePort, visit }) {
      const port = String(await freePort());
      await start('next', ['dev', `--${bundler}`, '--port', port], /Ready in/, quiet);
      await visit(`http://localhost:${port}/`);
    },
  },
]);
