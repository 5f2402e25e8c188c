import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { install, root, runNode, smallestProgram } from './install.mjs';

const { project, packed } = install();

test('the tarball holds the built package and nothing else', () => {
  assert.deepEqual(packed, [
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'README.md',
    'dist/browser.js',
    'dist/index.cjs',
    'dist/index.d.cts',
    'dist/index.d.ts',
    'dist/index.js',
    'package.json',
  ]);
});

test('package and crate have the same version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'pkg/package.json'), 'utf8'));
  const crate = readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^version = "(.+)"$/m)?.[1];
  assert.equal(version, crate);
});

test('no path of the machine that built it is in the package', () => {
  const bytes = readFileSync(join(root, 'target/npm/wasm_telemetry.wasm'), 'latin1');
  const module = readFileSync(join(project, 'node_modules/wasm-telemetry/dist/index.js'), 'utf8');
  for (const folder of [root, process.env.HOME].filter((path) => path && path.length > 1)) {
    assert.ok(!bytes.includes(`${folder}`), `${folder} in the WebAssembly`);
    assert.ok(!module.includes(`${folder}`), `${folder} in index.js`);
  }
});

test('import, require and bundles for browsers give the names that the declarations promise', () => {
  const declarations = readFileSync(join(root, 'pkg/index.d.ts'), 'utf8');
  const exported = declarations.matchAll(/^export (?:declare )?(?:function|class|const) (\w+)/gm);
  const wanted = Array.from(exported, ([, name]) => name).sort();
  const print = `console.log(JSON.stringify(Object.keys(api).filter((name) => name !== 'default')))`;
  writeFileSync(join(project, 'names.mjs'), `import * as api from 'wasm-telemetry';\n${print}`);
  writeFileSync(join(project, 'names.cjs'), `const api = require('wasm-telemetry');\n${print}`);
  assert.ok(wanted.includes('logEvent'));
  const browser = 'node_modules/wasm-telemetry/dist/browser.js';
  writeFileSync(join(project, 'browser.mjs'), `import * as api from './${browser}';\n${print}`);
  for (const file of ['names.mjs', 'names.cjs', 'browser.mjs']) {
    assert.deepEqual(/** @type {string[]} */ (runNode(project, file)).sort(), wanted, file);
  }
});

test('the first event of a program is accepted, by import and by require', () => {
  const commonJs = smallestProgram.replace(/import (.+) from (.+);/, 'const $1 = require($2);');
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

test('TypeScript finds the declarations by import and by require', () => {
  const program = `import { init, logEvent, verified, type Stats } from 'wasm-telemetry';
    const stats: Stats = init({ serviceName: 'shop' }).stats();
    logEvent('paid', { items: stats.ledger.accepted, coupon: verified('SUMMER') });
    // @ts-expect-error free text is refused
    logEvent('paid', { coupon: 'SUMMER' });`;
  writeFileSync(join(project, 'typed.mts'), program);
  writeFileSync(join(project, 'typed.cts'), program);
  const options = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'nodenext'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const run = () =>
    execFileSync(process.execPath, [tsc, ...options, 'typed.mts', 'typed.cts'], {
      cwd: project,
      encoding: 'utf8',
    });
  assert.doesNotThrow(run);
});

test('publint has nothing to say', async () => {
  const pkgDir = join(project, 'node_modules/wasm-telemetry');
  const { messages, pkg } = await publint({ pkgDir, strict: true, pack: false });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});
