import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundled } from './bundlers.mjs';
import { html, page } from './programs.mjs';

/**
 * @param {string} version
 * @returns {import('./environments.mjs').Environment[]}
 */
export function vite(version) {
  return [
    bundled(`Vite ${version}, build`, ({ exec }) =>
      exec('vite', ['build', 'src', '--outDir', '../dist', '--emptyOutDir']),
    ),
    {
      name: `Vite ${version}, dev`,
      async run({ project, start, freePort, visit }) {
        mkdirSync(join(project, 'src'), { recursive: true });
        writeFileSync(join(project, 'src/index.html'), html);
        writeFileSync(join(project, 'src/main.js'), page);
        const port = String(await freePort());
        await start(
          'vite',
          ['src', '--host', '127.0.0.1', '--port', port, '--strictPort'],
          /ready in/,
        );
        await visit(`http://127.0.0.1:${port}/`);
      },
    },
  ];
}
