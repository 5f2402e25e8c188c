import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { required } from '../matrix/support/programs.mjs';
import { install, root, runNode, smallestProgram } from './install.mjs';

const { project, packed } = install();
const dist = join(project, 'node_modules/wasm-telemetry/dist');

test('the tarball holds the built package and nothing else', () => {
  assert.deepEqual(packed, [
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'README.md',
    'bin/wasm-telemetry.js',
    'dist/browser.js',
    'dist/command.js',
    'dist/decoder.js',
    'dist/development.js',
    'dist/index.cjs',
    'dist/index.d.cts',
    'dist/index.d.ts',
    'dist/index.js',
    'dist/inspector.cjs',
    'dist/inspector.d.cts',
    'dist/inspector.d.ts',
    'dist/inspector.js',
    'dist/sbom.cdx.json',
    'dist/slim.js',
    'dist/wasm-telemetry.wasm',
    'dist/workerd.js',
    'inspector/package.json',
    'package.json',
    'slim/package.json',
  ]);
});

test('every copy of the WebAssembly is the same', () => {
  const module = readFileSync(join(dist, 'wasm-telemetry.wasm'));
  for (const name of ['index.js', 'index.cjs', 'browser.js']) {
    const [bytes] = readFileSync(join(dist, name), 'utf8').match(/"[\w+/=]{10000,}"/) ?? ['""'];
    assert.ok(inflateRawSync(Buffer.from(bytes, 'base64')).equals(module), name);
  }
});

// What the module can do to the world outside is this list, and nothing else.
test('the WebAssembly imports what tests/package/imports.txt says', () => {
  const module = new WebAssembly.Module(readFileSync(join(dist, 'wasm-telemetry.wasm')));
  const bindings = readFileSync(join(root, 'target/npm/bindgen/wasm_telemetry_bg.js'), 'utf8');
  const [, bound] = /^const w = \{(.*)\};$/m.exec(bindings) ?? ['', ''];
  const names = new Map(
    Array.from(bound.matchAll(/(\w+): (\w+)/g), ([, short, name]) => [short, name]),
  );
  const imports = WebAssembly.Module.imports(module)
    .map(({ name }) => `${names.get(name)}\n`)
    // Less wasm-bindgen's prefix and hash.
    .map((name) => name.replace(/^__(wbg_)?(__)?(wbindgen_)?/, '').replace(/_[0-9a-f]{16}$/m, ''))
    .sort();
  assert.equal(imports.join(''), readFileSync(join(root, 'tests/package/imports.txt'), 'utf8'));
});

test('the WebAssembly that reads records can reach nothing at all', () => {
  const module = new WebAssembly.Module(
    readFileSync(join(root, 'target/npm/decoder/decoder_bg.wasm')),
  );
  assert.deepEqual(
    WebAssembly.Module.imports(module).map(({ name }) => name),
    ['__wbindgen_init_externref_table'],
  );
});

test('package and crate have the same version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'pkg/package.json'), 'utf8'));
  const crate = readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^version = "(.+)"$/m)?.[1];
  assert.equal(version, crate);
});

test('no path of the machine that built it is in the package', () => {
  const bytes = readFileSync(join(root, 'target/npm/wasm_telemetry.wasm'), 'latin1');
  const module = readFileSync(join(dist, 'index.js'), 'utf8');
  for (const folder of [root, process.env.HOME].filter((path) => path && path.length > 1)) {
    assert.ok(!bytes.includes(`${folder}`), `${folder} in the WebAssembly`);
    assert.ok(!module.includes(`${folder}`), `${folder} in index.js`);
  }
});

test('every entry has the names that the declarations promise', async () => {
  const declarations = readFileSync(join(root, 'pkg/index.d.ts'), 'utf8');
  const exported = declarations.matchAll(/^export (?:declare )?(?:function|class|const) (\w+)/gm);
  // A function may be declared in several ways.
  const wanted = [...new Set(Array.from(exported, ([, name]) => name))].sort();
  assert.ok(wanted.includes('logEvent'));
  for (const name of ['index.js', 'browser.js', 'slim.js', 'workerd.js']) {
    const { metafile } = await build({
      absWorkingDir: dist,
      entryPoints: [name],
      format: 'esm',
      metafile: true,
      write: false,
    });
    const [{ exports }] = Object.values(metafile.outputs);
    assert.deepEqual(exports.sort(), wanted, name);
  }
  const print = `console.log(JSON.stringify(Object.keys(api)))`;
  writeFileSync(join(project, 'names.cjs'), `const api = require('wasm-telemetry');\n${print}`);
  assert.deepEqual(/** @type {string[]} */ (runNode(project, 'names.cjs')).sort(), wanted);
});

test('each condition gives the file that is meant for it', async () => {
  const given = async (/** @type {string} */ entry, /** @type {string[]} */ ...conditions) => {
    const kind = conditions.shift() === 'require' ? 'require-call' : 'import-statement';
    /** @type {string | undefined} */
    let found;
    const ask = {
      name: 'ask',
      async setup(/** @type {import('esbuild').PluginBuild} */ { onStart, resolve }) {
        onStart(async () => {
          const { path } = await resolve(entry, { kind, resolveDir: project });
          found = basename(path);
        });
      },
    };
    await build({
      stdin: { contents: '' },
      write: false,
      platform: 'neutral',
      conditions,
      plugins: [ask],
    });
    return found;
  };
  const table = {
    'wasm-telemetry': [
      ['import', 'node', 'index.js'],
      ['require', 'node', 'index.cjs'],
      ['import', 'browser', 'browser.js'],
      ['import', 'browser', 'development', 'development.js'],
      ['import', 'node', 'development', 'index.js'],
      ['require', 'browser', 'index.cjs'],
      ['import', 'worker', 'browser', 'workerd', 'workerd.js'],
    ],
    'wasm-telemetry/slim': [
      ['import', 'node', 'index.js'],
      ['require', 'node', 'index.cjs'],
      ['import', 'browser', 'slim.js'],
      ['import', 'browser', 'development', 'development.js'],
      ['import', 'workerd', 'worker', 'browser', 'workerd.js'],
    ],
    'wasm-telemetry/inspector': [
      ['import', 'node', 'inspector.js'],
      ['require', 'node', 'inspector.cjs'],
      ['import', 'browser', 'inspector.js'],
    ],
    'wasm-telemetry/wasm-telemetry.wasm': [['import', 'browser', 'wasm-telemetry.wasm']],
  };
  for (const [entry, rows] of Object.entries(table)) {
    for (const row of rows) {
      assert.equal(await given(entry, ...row.slice(0, -1)), row.at(-1), `${entry} by ${row}`);
    }
  }
});

test('the first event of a program is accepted, by import and by require', () => {
  const commonJs = required(smallestProgram);
  writeFileSync(join(project, 'smallest.mjs'), smallestProgram);
  writeFileSync(join(project, 'smallest.cjs'), commonJs);
  for (const file of ['smallest.mjs', 'smallest.cjs']) {
    const { state, ledger } = /** @type {import('wasm-telemetry').Stats} */ (
      runNode(project, file)
    );
    assert.equal(state, 'running', file);
    assert.equal(ledger.accepted, 1, file);
  }
});

test('an engine that has next to nothing imports it, and goes on', () => {
  writeFileSync(
    join(project, 'old.cjs'),
    `for (const name of Object.getOwnPropertyNames(globalThis)) {
      if (/^(Text|Web|Decomp|Comp|fetch|Response|URL|crypto|performance)/.test(name)) delete globalThis[name];
    }
    process.getBuiltinModule = undefined;
    ${required(smallestProgram)}`,
  );
  const { state } = /** @type {import('wasm-telemetry').Stats} */ (runNode(project, 'old.cjs'));
  assert.equal(state, 'unavailable');
});

test('TypeScript finds the declarations by import and by require, with the DOM and without', () => {
  const program = `import { init, logEvent, verified, type Stats } from 'wasm-telemetry';
    const stats: Stats = init({ serviceName: 'shop' }).stats();
    logEvent('paid', { items: stats.ledger.accepted, coupon: verified('SUMMER') });
    // @ts-expect-error free text is refused
    logEvent('paid', { coupon: 'SUMMER' });`;
  const slim = `import { init } from 'wasm-telemetry/slim';
    init({ serviceName: 'shop', wasm: fetch(new URL('https://a.example')) });
    // @ts-expect-error neither an address nor bytes
    init({ serviceName: 'shop', wasm: 1 });`;
  const files = ['typed.mts', 'typed.cts'];
  for (const file of files) writeFileSync(join(project, file), program);
  for (const file of files) writeFileSync(join(project, `slim.${file}`), slim);
  const strict = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'nodenext'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  for (const args of [
    [...files, ...files.map((file) => `slim.${file}`)],
    ['--lib', 'es2022', ...files],
  ]) {
    assert.doesNotThrow(() =>
      execFileSync(process.execPath, [tsc, ...strict, ...args], { cwd: project, encoding: 'utf8' }),
    );
  }
});

test('the command runs from where it is installed', () => {
  const bin = join(project, 'node_modules/.bin/wasm-telemetry');
  const env = { PATH: process.env.PATH, HOME: project, XDG_STATE_HOME: join(project, 'state') };
  const run = (/** @type {string[]} */ ...args) =>
    execFileSync(bin, args, { env, encoding: 'utf8', shell: process.platform === 'win32' });
  const { version } = JSON.parse(readFileSync(join(root, 'pkg/package.json'), 'utf8'));
  assert.equal(run('--version'), `${version}\n`);
  // By the decoder that is in the package.
  assert.equal(
    JSON.parse(run('inspect', join(project, 'node_modules'), '--json')).records.length,
    0,
  );
});

test('publint has nothing to say', async () => {
  const pkgDir = join(project, 'node_modules/wasm-telemetry');
  const { messages, pkg } = await publint({ pkgDir, strict: true, pack: false });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});
