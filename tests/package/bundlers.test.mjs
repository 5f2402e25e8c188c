import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import { install, root, runNode, smallestProgram } from './install.mjs';

const { project } = install();
writeFileSync(join(project, 'main.js'), smallestProgram);
writeFileSync(
  join(project, 'index.html'),
  '<!doctype html><title>smallest</title><script type="module" src="/main.js"></script>',
);

test('esbuild bundles it with no plugin', async () => {
  const outdir = join(project, 'esbuild');
  await esbuild({
    absWorkingDir: project,
    entryPoints: ['main.js'],
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    logLevel: 'error',
  });
  assertOneScriptWithTheBytes(outdir);
});

test('Vite bundles it with no plugin', async () => {
  await vite({
    root: project,
    configFile: false,
    logLevel: 'error',
    // Its polyfill asks for a document at once; the script is run in Node below.
    build: { outDir: 'vite', modulePreload: false },
  });
  assertOneScriptWithTheBytes(join(project, 'vite'));
});

test('what only Node has is in bundles for Node, and in no others', async () => {
  for (const platform of /** @type {const} */ (['browser', 'node'])) {
    const { outputFiles } = await esbuild({
      absWorkingDir: project,
      entryPoints: ['main.js'],
      platform,
      bundle: true,
      write: false,
      format: 'esm',
      logLevel: 'error',
    });
    assert.equal(outputFiles[0].text.includes('getBuiltinModule'), platform === 'node', platform);
  }
});

test('a bundler drops it from a program that uses nothing of it', async () => {
  const { outputFiles } = await esbuild({
    absWorkingDir: project,
    stdin: { contents: `import 'wasm-telemetry'; console.log(1)`, resolveDir: project },
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'error',
  });
  assert.ok(outputFiles[0].text.length < 100, outputFiles[0].text.slice(0, 200));
});

function assertOneScriptWithTheBytes(/** @type {string} */ folder) {
  const files = readdirSync(folder, { recursive: true }).map(String);
  const scripts = files.filter((file) => file.endsWith('.js'));
  assert.equal(scripts.length, 1, `one script in ${files}`);
  assert.deepEqual(
    files.filter((file) => /\.wasm/.test(file)),
    [],
    'no WebAssembly beside it',
  );
  const bytes = readFileSync(join(root, 'target/npm/bytes.js'), 'utf8').match(/'(.+)'/)?.[1] ?? '';
  assert.ok(bytes.length > 1000);
  const script = readFileSync(join(folder, scripts[0]), 'utf8');
  assert.equal(script.split(bytes).length - 1, 1, 'the bytes once');
  assert.ok(script.length < bytes.length + 200_000, 'no second copy in another form');

  const { state, ledger } = /** @type {import('wasm-telemetry').Stats} */ (
    runNode(project, join(folder, scripts[0]))
  );
  assert.equal(state, 'running');
  assert.equal(ledger.accepted, 1);
}
