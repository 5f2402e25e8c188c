// Builds the npm package: Rust to WebAssembly, its bindings and bytes, and pkg/dist from pkg/src.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { deflateAsync } from '@gfx/zopfli';
import { build } from 'esbuild';
import { cargoConfig, env, root } from './env.mjs';
import { printSizes } from './size.mjs';
import { bill, shipped } from './supply.mjs';
import { direct } from './wasm-bindings.mjs';
import { shortened } from './wasm-names.mjs';
import { places } from './wasm-order.mjs';
import { renamed, stripped } from './wasm-sections.mjs';

const usage = `Usage: node tools/build.mjs [--debug]

  --debug   no optimization, with Rust's assertions and names; for development only`;

// Every engine that has WebAssembly's 2022 feature set, which is what rustc emits by default.
const wasmFeatures = [
  'bulk-memory',
  'bulk-memory-opt',
  'multivalue',
  'mutable-globals',
  'nontrapping-float-to-int',
  'reference-types',
  'sign-ext',
];

// What wasm-opt does beside -Oz: docs/size.md has what each is worth.
const passes = [
  ...['--low-memory-unused', '-Oz', '--flatten', '--rereloop', '-Oz'],
  ...['--flatten', '--rereloop', '-Oz', '-Oz', '--reorder-functions-by-name'],
];

const wasmName = 'wasm-telemetry.wasm';

/** A module and what is made of it. */
const made = (/** @type {string} */ out) => ({
  out,
  wasmFile: join(out, 'wasm_telemetry.wasm'),
  // The same with the names of its functions, for tools/size.mjs and twiggy.
  namedFile: join(out, 'named.wasm'),
  bindingsFile: join(out, 'bindgen', 'wasm_telemetry_bg.js'),
  importsFile: join(out, 'imports.js'),
  bytesFile: join(out, 'bytes.js'),
});
/** @typedef {ReturnType<typeof made>} Made */

const production = made(join(root, 'target', 'npm'));
// With what the inspector asks for.
const development = made(join(root, 'target', 'npm', 'development'));
// What reads stored records, for the inspectors: a module of its own.
const decoderFolder = join(root, 'target', 'npm', 'decoder');

try {
  await main();
} catch (error) {
  console.error(`build: error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function main() {
  const { values: options } = parseArgs({
    options: { debug: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (options.help) return console.log(usage);

  checkManifest();
  const profile = options.debug ? 'debug' : 'release';
  await buildWasm(production, compile(profile, 'package'), profile);
  await buildWasm(development, compile(profile, 'development', ['inspect']), profile);
  await buildDecoder(compile(profile, '', ['decoder']), profile);
  await bundle();
  await bundleTools();
  copyForNpm();
  await printSizes();
  if (options.debug) console.log('build: a debug build: large and slow, not for publishing');
}

// A stock `wasm-pack build` writes its own package.json into pkg/.
function checkManifest() {
  const remedy =
    'restore it: git checkout pkg/package.json && rm -f pkg/.gitignore\n' +
    '(a plain `wasm-pack build` writes over pkg/: give it --out-dir target/wasm-pack/web)';
  const file = join(root, 'pkg', 'package.json');
  if (!existsSync(file)) throw new Error(`pkg/package.json is missing; ${remedy}`);
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  if (manifest.name !== 'wasm-telemetry' || !manifest.exports) {
    throw new Error(`pkg/package.json is not ours (no "exports"); ${remedy}`);
  }
}

/**
 * @param {'debug' | 'release'} profile
 * @param {string} folder
 * @param {string[]} [features]
 * @returns {string} the compiled module, as rustc left it
 */
function compile(profile, folder, features = []) {
  // A file's name says nothing of features, and whatever else builds the crate writes over it. So the package's two
  // have folders of their own. The decoder, which takes two seconds, shares wasm-pack's, with what it depends on.
  const target = join(root, 'target', folder);
  const all = profile === 'release' ? ['bare', ...features] : features;
  // Only a cdylib alone gets link-time optimization: with an rlib beside it, Cargo leaves that out.
  run('cargo', [
    ...['rustc', '--lib', '--crate-type', 'cdylib', '--locked', '--target-dir', target],
    ...['--target', 'wasm32-unknown-unknown'],
    ...cargoConfig,
    ...(profile === 'release' ? ['--release'] : []),
    ...['--features', all.join()],
  ]);
  return join(target, 'wasm32-unknown-unknown', profile, 'wasm_telemetry.wasm');
}

async function buildWasm(
  /** @type {Made} */ made,
  /** @type {string} */ compiled,
  /** @type {string} */ profile,
) {
  const { out, wasmFile, namedFile, bindingsFile, importsFile, bytesFile } = made;
  const stampFile = join(out, 'stamp');
  const stamp = createHash('sha256')
    .update(readFileSync(compiled))
    .update(readFileSync(new URL(import.meta.url)))
    .update(readFileSync(new URL('wasm-bindings.mjs', import.meta.url)))
    .update(readFileSync(new URL('wasm-names.mjs', import.meta.url)))
    .update(readFileSync(new URL('wasm-order.mjs', import.meta.url)))
    .update(readFileSync(new URL('wasm-sections.mjs', import.meta.url)))
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(join(root, 'pkg', 'package.json')))
    .update(version('wasm-bindgen'))
    .update(profile)
    .digest('hex');
  const outputs = [namedFile, wasmFile, bindingsFile, importsFile, bytesFile];
  if (outputs.every(existsSync) && readIfThere(stampFile) === stamp) {
    return console.log('build: wasm unchanged');
  }
  rmSync(stampFile, { force: true });
  const debug = profile === 'debug';
  console.log(`build: wasm-bindgen${debug ? '' : ' and wasm-opt'}`);

  const bindgen = dirname(bindingsFile);
  run('wasm-bindgen', [
    ...['--target', 'bundler', '--out-dir', bindgen, '--out-name', 'wasm_telemetry'],
    ...(debug ? ['--debug', '--keep-debug'] : ['--remove-producers-section']),
    compiled,
  ]);
  writeFileSync(
    bindingsFile.replace(/js$/, 'd.ts'),
    `import * as bound from './wasm_telemetry.js';
export type Client = bound.Client;
export interface Bound {
  Client: typeof bound.Client;
  /** What the module imports. */
  imports: WebAssembly.Imports;
  __wbg_set_wasm(exports: WebAssembly.Exports): void;
}
/** Bindings of their own for each instance: after a trap there is another one. */
export function bind(): Bound;
`,
  );
  const bound = join(bindgen, 'wasm_telemetry_bg.wasm');
  shortenNames(made, bound, debug);
  if (debug) {
    writeFileSync(namedFile, readFileSync(bound));
    writeFileSync(wasmFile, readFileSync(bound));
  } else {
    optimize(bound, namedFile);
    if (made === production) reorder(bound, namedFile);
    writeFileSync(wasmFile, stripped(readFileSync(namedFile)));
  }
  writeFileSync(bytesFile, `export const bytes = '${await deflated(wasmFile)}';\n`);
  writeFileSync(stampFile, stamp);
}

function optimize(/** @type {string} */ from, /** @type {string} */ to) {
  const features = wasmFeatures.map((feature) => `--enable-${feature}`);
  run('wasm-opt', [...features, ...passes, '-g', from, '-o', to]);
}

// Functions that resemble each other pack best side by side. wasm-opt sorts them by name: so it does all its work again
// on a module whose names begin with the places that the first one told.
function reorder(/** @type {string} */ bound, /** @type {string} */ namedFile) {
  const place = places(readFileSync(namedFile));
  const prefix = (/** @type {string} */ name) => String(place.get(name) ?? 0).padStart(6, '0');
  const asBound = readFileSync(bound);
  writeFileSync(
    bound,
    renamed(asBound, (name) => prefix(name) + name),
  );
  optimize(bound, namedFile);
  writeFileSync(bound, asBound);
  writeFileSync(
    namedFile,
    renamed(readFileSync(namedFile), (name) => name.slice(6)),
  );
}

async function buildDecoder(/** @type {string} */ compiled, /** @type {string} */ profile) {
  const stampFile = join(decoderFolder, 'stamp');
  const stamp = createHash('sha256')
    .update(readFileSync(compiled))
    .update(readFileSync(new URL(import.meta.url)))
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(version('wasm-bindgen'))
    .update(profile)
    .digest('hex');
  if (readIfThere(stampFile) === stamp) return console.log('build: decoder unchanged');
  rmSync(stampFile, { force: true });
  console.log(`build: decoder: wasm-bindgen${profile === 'debug' ? '' : ' and wasm-opt'}`);
  const bound = join(decoderFolder, 'decoder_bg.wasm');
  run('wasm-bindgen', [
    ...['--target', 'bundler', '--out-dir', decoderFolder, '--out-name', 'decoder'],
    ...['--remove-producers-section', compiled],
  ]);
  if (profile !== 'debug') {
    const features = wasmFeatures.map((feature) => `--enable-${feature}`);
    run('wasm-opt', [...features, '-Oz', bound, '-o', bound]);
  }
  writeFileSync(
    join(decoderFolder, 'bytes.js'),
    `export const bytes = '${await deflated(bound)}';\n`,
  );
  writeFileSync(
    join(decoderFolder, 'decoder_bg.d.ts'),
    "export * from './decoder.js';\n" +
      'export function __wbg_set_wasm(exports: WebAssembly.Exports): void;\n',
  );
  writeFileSync(stampFile, stamp);
}

/** As raw deflate in base64: a text of 64 letters costs gzip, which comes after it, least. */
async function deflated(/** @type {string} */ file) {
  return Buffer.from(await deflateAsync(readFileSync(file), {})).toString('base64');
}

function shortenNames(
  /** @type {Made} */ { out, bindingsFile, importsFile },
  /** @type {string} */ bound,
  /** @type {boolean} */ debug,
) {
  const { name, version } = JSON.parse(readFileSync(join(root, 'pkg', 'package.json'), 'utf8'));
  const release = `${name} ${version}`;
  const bindings = readFileSync(bindingsFile, 'utf8');
  const short = shortened(readFileSync(bound), debug ? bindings : direct(bindings), release);
  writeFileSync(bound, short.module);
  const imports = [...short.imported].map(([name, to]) => `${to}: ${name}`);
  writeFileSync(
    bindingsFile,
    `export function bind() {
${short.bindings.replace(/^export /gm, '')}
const w = { ${imports.join(', ')} };
return { Client, imports: { w, ['${release}']: w }, __wbg_set_wasm };
}
`,
  );
  const callbacks = [...short.exported].filter(([name]) => /closure|_free$/.test(name));
  writeFileSync(
    importsFile,
    `export const release = '${release}';
export const callbacks = ${JSON.stringify(callbacks.map(([, to]) => to))};
export const start = ${JSON.stringify(short.exported.get('__wbindgen_start') ?? '')};
`,
  );
  writeFileSync(
    join(out, 'module.d.ts'),
    'declare const module: WebAssembly.Module;\nexport default module;\n',
  );
  writeFileSync(
    importsFile.replace(/js$/, 'd.ts'),
    `/** Whose the module is. */
export const release: string;
/** The exports that timers, promises and the garbage collector call back. */
export const callbacks: string[];
/** The export to call first; empty if there is none. */
export const start: string;
`,
  );
}

async function bundle() {
  const dist = join(root, 'pkg', 'dist');
  const bundles = /** @type {const} */ ([
    ['index.js', 'esm', 'platform.js', 'inlined.js'],
    ['index.cjs', 'cjs', 'platform.js', 'inlined.js'],
    ['browser.js', 'esm', 'browser.js', 'inlined.js'],
    ['development.js', 'esm', 'browser.js', 'inlined.js'],
    ['slim.js', 'esm', 'browser.js', 'served.js'],
    ['workerd.js', 'esm', 'browser.js', 'compiled.js'],
  ]);
  const changed = [writeIfChanged(join(dist, wasmName), readFileSync(production.wasmFile))];
  for (const [name, format, platform, source] of bundles) {
    const made = name === 'development.js' ? development : production;
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: ['pkg/src/index.js'],
      inject: [
        // Before everything else: between two files it would keep gzip from seeing what they share.
        ...(source === 'inlined.js' ? [made.bytesFile] : []),
        ...(platform === 'platform.js' ? [join(root, 'pkg/src/text.js')] : []),
      ],
      outfile: join(dist, name),
      format,
      bundle: true,
      write: false,
      // Whoever bundles the package minifies it, and lowers it for older engines.
      platform: 'neutral',
      target: 'es2022',
      external: ['node:*'],
      legalComments: 'none',
      logLevel: 'warning',
      plugins: [
        { name: 'generated', setup: (build) => resolveGenerated(build, made) },
        {
          name: 'chosen',
          setup({ onResolve }) {
            const own = (/** @type {string} */ name) => ({ path: join(root, 'pkg', 'src', name) });
            onResolve({ filter: /^#platform$/ }, () => own(platform));
            onResolve({ filter: /^#source$/ }, () => own(source));
            const telemetry = source === 'compiled.js' ? 'requests.js' : 'telemetry.js';
            onResolve({ filter: /^#telemetry$/ }, () => own(telemetry));
            onResolve({ filter: /^#module$/ }, () => ({ path: `./${wasmName}`, external: true }));
          },
        },
      ],
    });
    changed.push(writeIfChanged(join(dist, name), outputFiles[0].contents));
  }
  const inspector = readFileSync(join(root, 'pkg', 'inspector.d.ts'));
  for (const name of ['inspector.d.ts', 'inspector.d.cts']) {
    changed.push(writeIfChanged(join(dist, name), inspector));
  }
  changed.push(writeIfChanged(join(dist, 'sbom.cdx.json'), Buffer.from(bill(shipped()))));
  const declarations = readFileSync(join(root, 'pkg', 'index.d.ts'));
  for (const name of ['index.d.ts', 'index.d.cts']) {
    changed.push(writeIfChanged(join(dist, name), declarations));
  }
  console.log(`build: pkg/dist ${changed.some(Boolean) ? 'written' : 'unchanged'}`);
}

// What looks at stores; its parts are files of their own, which are there once.
async function bundleTools() {
  const dist = join(root, 'pkg', 'dist');
  for (const [name, entry] of [
    ['decoder.js', 'pkg/src/decoder.js'],
    ['inspector.js', 'pkg/src/inspector/index.js'],
    ['inspector.cjs', 'pkg/src/inspector/index.js'],
    ['command.js', 'pkg/src/command/main.js'],
  ]) {
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: join(dist, name),
      bundle: true,
      write: false,
      format: name.endsWith('.cjs') ? 'cjs' : 'esm',
      target: 'es2022',
      minify: true,
      loader: { '.css': 'text' },
      legalComments: 'none',
      external: ['node:*'],
      plugins: [
        { name: 'generated', setup: (build) => resolveGenerated(build, production) },
        {
          name: 'own',
          setup({ onResolve }) {
            onResolve({ filter: /^#(decoder|package)$/ }, ({ path }) => ({
              path: path === '#decoder' ? './decoder.js' : './index.js',
              external: true,
            }));
          },
        },
      ],
    });
    writeIfChanged(join(dist, name), outputFiles[0].contents);
  }
}

/**
 * @param {import('esbuild').PluginBuild} build
 * @param {Made} made
 */
function resolveGenerated({ onResolve }, made) {
  const { bindingsFile, importsFile, bytesFile } = made;
  onResolve({ filter: /^#decoder-bindings$/ }, () => ({
    path: join(decoderFolder, 'decoder_bg.js'),
  }));
  onResolve({ filter: /^#decoder-bytes$/ }, () => ({ path: join(decoderFolder, 'bytes.js') }));
  const own = join(root, 'pkg', 'src', 'inspector', 'bindings.js');
  onResolve({ filter: /^#bindings$/ }, ({ importer }) => {
    const inspected = made === development && importer !== own;
    return { path: inspected ? own : bindingsFile };
  });
  onResolve({ filter: /^#imports$/ }, () => ({ path: importsFile }));
  onResolve({ filter: /^#bytes$/ }, () => ({ path: bytesFile }));
}

// npm packs nothing from outside of the package's folder.
function copyForNpm() {
  for (const name of ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE']) {
    const file = join(root, name);
    if (existsSync(file)) writeIfChanged(join(root, 'pkg', name), readFileSync(file));
  }
}

function run(/** @type {string} */ command, /** @type {string[]} */ args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  if (error) throw notRunning(command, error);
  if (status !== 0) throw new Error(`${command} failed (see above)`);
}

function version(/** @type {string} */ command) {
  const { stdout, error } = spawnSync(command, ['--version'], { env, encoding: 'utf8' });
  if (error) throw notRunning(command, error);
  return stdout;
}

function notRunning(/** @type {string} */ command, /** @type {Error} */ error) {
  return new Error(`${command} does not run: ${error.message}; set up: tools/setup.sh build`);
}

function readIfThere(/** @type {string} */ file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

// Renamed into place, so that a test or a page that reads it meanwhile sees one version or the other.
function writeIfChanged(/** @type {string} */ file, /** @type {Uint8Array} */ contents) {
  if (existsSync(file) && readFileSync(file).equals(contents)) return false;
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, file);
  return true;
}
