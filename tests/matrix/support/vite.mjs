import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundled } from './bundlers.mjs';
import { html, page, slimPage } from './programs.mjs';

const slim = slimPage(`import wasm from 'wasm-telemetry/wasm-telemetry.wasm?url';`);

/**
 * @param {string} version
 * @param {{ quick?: boolean }} [more]
 */
export const vite = (version, { quick } = {}) => [
  build(`Vite ${version}, build`, { quick }),
  build(`Vite ${version}, build, slim`, { program: slim }),
  dev(`Vite ${version}, dev`, page),
  dev(`Vite ${version}, dev, slim`, slim),
];

/** @param {Parameters<typeof bundled>[2]} more */
const build = (/** @type {string} */ name, more) =>
  bundled(
    name,
    ({ exec }) => exec('vite', ['build', 'src', '--outDir', '../dist', '--emptyOutDir']),
    more,
  );

/** @returns {import('./environments.mjs').Environment} */
const dev = (/** @type {string} */ name, /** @type {string} */ program) => ({
  name,
  async run({ project, start, freePort, visit }) {
    mkdirSync(join(project, 'src'), { recursive: true });
    writeFileSync(join(project, 'src/index.html'), html);
    writeFileSync(join(project, 'src/main.js'), program);
    const port = String(await freePort());
    const options = ['src', '--host', '127.0.0.1', '--port', port, '--strictPort'];
    await start('vite', options, /ready in/);
    await visit(`http://127.0.0.1:${port}/`);
  },
});
