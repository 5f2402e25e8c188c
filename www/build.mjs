import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const PAGE = path.join(HERE, 'dist');

/** Bundles the page into `www/dist`. Throws esbuild's error, which names file and line. */
export async function buildPage(format = 'json') {
  await rm(PAGE, { recursive: true, force: true });
  await mkdir(PAGE, { recursive: true });
  await esbuild.build({
    absWorkingDir: HERE,
    entryPoints: ['src/main.js', 'src/main.css'],
    outdir: PAGE,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    // The package's build that the inspector can look into.
    conditions: ['development'],
    minify: true,
    sourcemap: true,
    logLevel: 'silent',
    // tsconfig.json maps the package to its declarations, which is for the type checker only.
    tsconfigRaw: {},
    define: { 'process.env.NODE_ENV': '"production"', TELEMETRY_FORMAT: JSON.stringify(format) },
  });
  for (const file of ['index.html', 'icon.svg']) {
    await cp(path.join(HERE, file), path.join(PAGE, file));
  }
  return PAGE;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
