// 6: the smallest program that logs one event, as a browser loads it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { byHand, openTelemetry, others, ours } from '../sides.mjs';
import { short, table } from '../statistics.mjs';

export const where = 'chromium';

export async function size() {
  const rows = [];
  for (const { name, file } of [ours, byHand, openTelemetry, ...others]) {
    const program = fileURLToPath(new URL(`../smallest/${file}`, import.meta.url));
    if (!existsSync(program)) continue;
    const { outputFiles } = await build({
      entryPoints: [program],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      define: { 'process.env.NODE_ENV': '"production"' },
      logLevel: 'error',
    });
    const { contents } = outputFiles[0];
    const gzip = gzipSync(contents, { level: 9 }).length;
    rows.push([name, short(contents.length / 1000), short(gzip / 1000)]);
  }
  const heads = ['import, init, one event', 'minified, KB', 'gzip, KB'];
  return `### The smallest program, bundled by esbuild\n\n${table(heads, rows)}`;
}
