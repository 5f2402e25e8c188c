// What each part of the package costs: raw bytes, and by how much gzip would be smaller without it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { root } from './env.mjs';
import { bodies, sections } from './wasm-sections.mjs';

/** @typedef {{ name: string, start: number, end: number }} Piece */
/** @typedef {{ name: string, raw: number, gzip: number }} Row */

const generated = join(root, 'target', 'npm');

/** Prints both tables in Markdown, as they are in docs/size.md. */
export async function printParts() {
  const named = join(generated, 'named.wasm');
  if (!existsSync(named)) {
    throw new Error('target/npm/named.wasm is missing; run: make build');
  }
  print('WebAssembly', weigh(...wasmPieces(readFileSync(named))));
  print('JavaScript', weigh(...(await scriptPieces())));
}

/** @returns {[Uint8Array, Piece[]]} */
function wasmPieces(/** @type {Uint8Array} */ module) {
  const all = sections(module).filter(({ name }) => name === undefined);
  const shipped = Buffer.concat(all.map(({ start, end }) => module.subarray(start, end)));
  const functions = bodies(module);
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0;
  for (const { id, start, end } of all) {
    const shift = at - start;
    const inside = functions.filter((body) => body.start >= start && body.end <= end);
    if (inside.length === 0) {
      const name =
        id === dataSection ? 'strings and tables (data)' : 'types, imports, exports, table';
      pieces.push({ name, start: at, end: end + shift });
    }
    for (const body of inside) {
      pieces.push({ name: moduleOf(body.name), start: body.start + shift, end: body.end + shift });
    }
    at = end + shift;
  }
  return [shipped, pieces];
}

const dataSection = 11;

/** The first of these that a function's name holds tells whose it is. */
const owners = /** @type {[RegExp, string][]} */ ([
  [/wasm_telemetry::(core::pipeline::(?!Pipeline)\w+)/, '$1'],
  [/wasm_telemetry::((?:core|edge)::\w+)/, '$1'],
  [/wasm_telemetry::(\w+)/, '$1'],
  [/^client_/, 'edge: exported functions'],
  [/talc|__rust_\w*alloc/, 'talc (allocator)'],
  [/(uuid|wasm_bindgen)\b/, '$1'],
  [/^_*(wbindgen|wbg|externref)/, 'wasm_bindgen'],
  [/\b(alloc|core|std)(\[\w+\])?::/, '$1 (standard library)'],
  [/^<(char|str|u\d+)>::/, 'core (standard library)'],
  [/^(mem\w+|bcmp|__multi3)$/, 'compiler_builtins'],
  [/shim$|^function \d+$/, 'wasm_bindgen'],
]);

function moduleOf(/** @type {string} */ name) {
  for (const [pattern, owner] of owners) {
    const found = pattern.exec(name);
    if (found) return owner.replace('$1', found[1] ?? '');
  }
  return 'other';
}

/** @returns {Promise<[Uint8Array, Piece[]]>} */
async function scriptPieces() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      contents: `import { init, logEvent } from './pkg/src/index.js'; init({}); logEvent('started');`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    minifyIdentifiers: true,
    minifySyntax: true,
    platform: 'neutral',
    target: 'es2022',
    external: ['node:*'],
    format: 'esm',
    plugins: [
      {
        name: 'generated',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^#bindings$/ }, () => ({
            path: join(generated, 'bindgen', 'wasm_telemetry_bg.js'),
          }));
          onResolve({ filter: /^#imports$/ }, () => ({ path: join(generated, 'imports.js') }));
          const own = (/** @type {string} */ name) => ({ path: join(root, 'pkg', 'src', name) });
          onResolve({ filter: /^#platform$/ }, () => own('browser.js'));
          onResolve({ filter: /^#source$/ }, () => own('inlined.js'));
          onResolve({ filter: /^#bytes$/ }, ({ path }) => ({ path, namespace: 'none' }));
          onLoad({ filter: /./, namespace: 'none' }, () => ({
            contents: `export const bytes = '';`,
          }));
        },
      },
    ],
  });
  // esbuild puts each file's path before its code.
  const [, ...found] = outputFiles[0].text.split(/^\/\/ (.+)\n/m);
  const texts = [];
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0;
  for (let index = 0; index < found.length; index += 2) {
    const { code } = await transform(found[index + 1] ?? '', { minifyWhitespace: true });
    texts.push(Buffer.from(code));
    const end = at + Buffer.byteLength(code);
    pieces.push({ name: (found[index] ?? '').replace(/^target\/npm\//, ''), start: at, end });
    at = end;
  }
  return [Buffer.concat(texts), pieces];
}

/** @returns {Row[]} the pieces of each name together, dearest first */
function weigh(/** @type {Uint8Array} */ whole, /** @type {Piece[]} */ pieces) {
  const all = gzipped(whole);
  const rows = [...new Set(pieces.map(({ name }) => name))].map((name) => {
    const own = pieces.filter((piece) => piece.name === name);
    const rest = pieces.filter((piece) => piece.name !== name);
    const without = Buffer.concat(rest.map(({ start, end }) => whole.subarray(start, end)));
    const raw = own.reduce((sum, { start, end }) => sum + end - start, 0);
    return { name, raw, gzip: all - gzipped(without) };
  });
  rows.sort((a, b) => b.raw - a.raw);
  return [...rows, { name: 'all of it', raw: whole.length, gzip: all }];
}

function gzipped(/** @type {Uint8Array} */ data) {
  return gzipSync(data, { level: 9 }).length;
}

function print(/** @type {string} */ title, /** @type {Row[]} */ rows) {
  console.log(`| ${title} | raw | gzip |\n| --- | ---: | ---: |`);
  for (const { name, raw, gzip } of rows) {
    console.log(`| ${name} | ${raw.toLocaleString('en')} | ${gzip.toLocaleString('en')} |`);
  }
  console.log('');
}
