// What the package weighs in the smallest program that uses it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { root } from './env.mjs';
import { printParts } from './size-parts.mjs';

const usage = `Usage: node tools/size.mjs [--check | --parts]

  Prints the sizes of what tools/build.mjs made: the smallest program (import, init, logEvent),
  bundled and minified by esbuild, and its parts.

  --check   compare with tools/size-budget.json; ends with 1 if a part is over its budget
  --parts   what each module of the core and each JavaScript file costs`;

/** @typedef {{ raw: number, gzip: number, brotli: number }} Sizes */
/** @typedef {Record<string, Partial<Sizes>>} Budget */

const budgetFile = 'tools/size-budget.json';
/** A budget is a multiple of this, and has as much to spare: zlib differs between processors. */
const step = 100;

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();

async function main() {
  const { values: options } = parseArgs({
    options: {
      check: { type: 'boolean' },
      parts: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (options.help) console.log(usage);
  else if (options.parts) await printParts();
  else if (options.check) check(await printSizes());
  else await printSizes();
}

/** @returns {Promise<Record<string, Sizes>>} */
export async function printSizes() {
  const entry = join(root, 'pkg', 'dist', 'browser.js');
  const dist = readFileSync(entry, 'utf8');
  const parts = {
    'smallest program': sizes(await smallestProgram(dist)),
    WebAssembly: sizes(readFileSync(join(root, 'target', 'npm', 'wasm_telemetry.wasm'))),
    JavaScript: sizes(await smallestProgram(withoutBytes(dist))),
  };
  const line = (/** @type {(string | number)[]} */ [name, ...cells]) =>
    String(name).padEnd(20) + cells.map((cell) => cell.toLocaleString('en').padStart(10)).join('');
  console.log(line(['bytes', 'raw', 'gzip', 'brotli']));
  for (const [name, { raw, gzip, brotli }] of Object.entries(parts)) {
    console.log(line([name, raw, gzip, brotli]));
  }
  return parts;
}

/** @returns {Sizes} */
function sizes(/** @type {Uint8Array} */ data) {
  const gzip = gzipSync(data, { level: 9 }).length;
  return { raw: data.length, gzip, brotli: brotliCompressSync(data).length };
}

async function smallestProgram(/** @type {string} */ dist) {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { init, logEvent } from 'wasm-telemetry';
        init({ serviceName: 'smallest' });
        logEvent('started');`,
    },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    plugins: [
      {
        name: 'dist',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^wasm-telemetry$/ }, ({ path }) => ({ path, namespace: 'dist' }));
          onLoad({ filter: /./, namespace: 'dist' }, () => ({ contents: dist }));
        },
      },
    ],
  });
  return outputFiles[0].contents;
}

function withoutBytes(/** @type {string} */ dist) {
  const rest = dist.replace(/"[\w+/=]{10000,}"/, '""');
  if (rest === dist) throw new Error('pkg/dist/browser.js holds no bytes of WebAssembly');
  return rest;
}

function check(/** @type {Record<string, Sizes>} */ parts) {
  /** @type {Budget} */
  const budget = JSON.parse(readFileSync(join(root, budgetFile), 'utf8'));
  const rows = Object.entries(budget).flatMap(([part, limits]) =>
    Object.entries(limits).map(([form, limit]) => {
      const size = parts[part]?.[/** @type {keyof Sizes} */ (form)];
      if (size === undefined) throw new Error(`${budgetFile}: there is no "${part}", ${form}`);
      return { part: `${part}, ${form}`, size, limit, fitting: Math.ceil(size / step + 1) * step };
    }),
  );
  const over = rows.filter(({ size, limit }) => size > limit);
  for (const { part, size, limit, fitting } of over) {
    console.error(
      `size: error: ${part}: ${size} bytes, ${size - limit} over the budget of ${limit}`,
    );
    console.error(`  if it is worth that, say so in the commit that sets it to ${fitting}`);
  }
  if (over.length > 0) {
    console.error(
      `  the budget is ${budgetFile}; what costs how much: make size\n` +
        '  each function: cargo install twiggy && twiggy top target/npm/named.wasm',
    );
    process.exitCode = 1;
    return;
  }
  console.log('size: within the budget');
  for (const { part, limit, fitting } of rows.filter(({ limit, fitting }) => fitting < limit)) {
    console.log(`size: ${part}: the budget could go down from ${limit} to ${fitting}`);
  }
}
