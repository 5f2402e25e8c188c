// Builds the npm package: Rust to WebAssembly, its bindings and bytes, and pkg/dist from pkg/src.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { cargoConfig, env, root } from './env.mjs';

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

const out = join(root, 'target', 'npm');
const wasmFile = join(out, 'wasm_telemetry.wasm');
const bindingsFile = join(out, 'bindgen', 'wasm_telemetry_bg.js');
const bytesFile = join(out, 'bytes.js');

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
  buildWasm(compile(profile), profile);
  await bundle();
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

/** @returns {string} the compiled module, as rustc left it */
function compile(/** @type {'debug' | 'release'} */ profile) {
  const target = join(root, 'target');
  // Only a cdylib alone gets link-time optimization: with an rlib beside it, Cargo leaves that out.
  run('cargo', [
    ...['rustc', '--lib', '--crate-type', 'cdylib', '--locked', '--target-dir', target],
    ...['--target', 'wasm32-unknown-unknown'],
    ...cargoConfig,
    ...(profile === 'release' ? ['--release', '--features', 'bare'] : []),
  ]);
  return join(target, 'wasm32-unknown-unknown', profile, 'wasm_telemetry.wasm');
}

function buildWasm(/** @type {string} */ compiled, /** @type {string} */ profile) {
  const stampFile = join(out, 'stamp');
  const stamp = createHash('sha256')
    .update(readFileSync(compiled))
    .update(readFileSync(new URL(import.meta.url)))
    .update(readFileSync(join(root, 'node_modules', 'binaryen', 'package.json')))
    .update(version('wasm-bindgen'))
    .update(profile)
    .digest('hex');
  const outputs = [wasmFile, bindingsFile, bytesFile];
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
    "export * from './wasm_telemetry.js';\n" +
      'export function __wbg_set_wasm(exports: WebAssembly.Exports): void;\n',
  );
  const bound = join(bindgen, 'wasm_telemetry_bg.wasm');
  if (debug) {
    writeFileSync(wasmFile, readFileSync(bound));
  } else {
    const features = wasmFeatures.map((feature) => `--enable-${feature}`);
    const strip = ['--strip-debug', '--strip-producers', '--strip-target-features'];
    run('wasm-opt', ['-Oz', ...features, ...strip, bound, '-o', wasmFile]);
  }
  const bytes = deflateRawSync(readFileSync(wasmFile), { level: 9 }).toString('base64');
  writeFileSync(bytesFile, `export const bytes = '${bytes}';\n`);
  writeFileSync(stampFile, stamp);
}

async function bundle() {
  const dist = join(root, 'pkg', 'dist');
  const bundles = /** @type {const} */ ([
    ['index.js', 'esm', 'platform.js'],
    ['index.cjs', 'cjs', 'platform.js'],
    ['browser.js', 'esm', 'browser.js'],
  ]);
  const changed = [];
  for (const [name, format, platform] of bundles) {
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: ['pkg/src/index.js'],
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
        { name: 'generated', setup: resolveGenerated },
        {
          name: 'platform',
          setup: ({ onResolve }) =>
            onResolve({ filter: /^\.\/platform\.js$/ }, () => ({
              path: join(root, 'pkg', 'src', platform),
            })),
        },
      ],
    });
    changed.push(writeIfChanged(join(dist, name), outputFiles[0].contents));
  }
  const declarations = readFileSync(join(root, 'pkg', 'index.d.ts'));
  for (const name of ['index.d.ts', 'index.d.cts']) {
    changed.push(writeIfChanged(join(dist, name), declarations));
  }
  console.log(`build: pkg/dist ${changed.some(Boolean) ? 'written' : 'unchanged'}`);
}

/** @param {import('esbuild').PluginBuild} build */
function resolveGenerated({ onResolve }) {
  onResolve({ filter: /^#bindings$/ }, () => ({ path: bindingsFile }));
  onResolve({ filter: /^#bytes$/ }, () => ({ path: bytesFile }));
}

// npm packs nothing from outside of the package's folder.
function copyForNpm() {
  for (const name of ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE']) {
    const file = join(root, name);
    if (existsSync(file)) writeIfChanged(join(root, 'pkg', name), readFileSync(file));
  }
}

async function printSizes() {
  const entry = join(root, 'pkg', 'dist', 'browser.js');
  const { outputFiles } = await build({
    stdin: {
      contents: `import { init, logEvent } from ${JSON.stringify(entry)};
        init({ serviceName: 'smallest' });
        logEvent('started');`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
  });
  const rows = /** @type {[string, Uint8Array][]} */ ([
    ['WebAssembly', readFileSync(wasmFile)],
    ['pkg/dist/browser.js', readFileSync(entry)],
    ['smallest program, bundled and minified', outputFiles[0].contents],
  ]);
  const line = (/** @type {(string | number)[]} */ [name, ...sizes]) =>
    String(name).padEnd(40) + sizes.map((size) => size.toLocaleString('en').padStart(10)).join('');
  console.log(line(['bytes', 'raw', 'gzip', 'brotli']));
  for (const [name, data] of rows) {
    const gzip = gzipSync(data, { level: 9 });
    console.log(line([name, data.length, gzip.length, brotliCompressSync(data).length]));
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
