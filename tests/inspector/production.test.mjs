// What a program is shipped with has nothing of the inspector, and importing it harms nowhere.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { build } from 'esbuild';
import { dist, root, run } from '../support/package.mjs';

/** What the inspector and the module for development are known by. */
const marks = /inspector|"sources":|ofOthers/;

function module(/** @type {string} */ file) {
  const [bytes] = readFileSync(join(dist, file), 'utf8').match(/"[\w+/=]{10000,}"/) ?? [];
  return inflateRawSync(Buffer.from(bytes ?? '', 'base64'));
}

test('every file for production is free of it, and so is its WebAssembly', () => {
  assert.match(readFileSync(join(dist, 'development.js'), 'utf8'), marks);
  assert.match(module('development.js').toString('latin1'), marks);
  for (const file of ['browser.js', 'slim.js', 'index.js', 'index.cjs', 'workerd.js']) {
    assert.doesNotMatch(readFileSync(join(dist, file), 'utf8'), marks, file);
  }
  const production = readFileSync(join(dist, 'wasm-telemetry.wasm'));
  assert.doesNotMatch(production.toString('latin1'), marks);
});

test('what is imported for development alone is in no bundle for production', async () => {
  const bundled = async (/** @type {string} */ mode) => {
    const { outputFiles } = await build({
      stdin: {
        contents: `import { init, logEvent } from 'wasm-telemetry';
          if (process.env.NODE_ENV === 'development') import('wasm-telemetry/inspector');
          init({ serviceName: 'smallest' });
          logEvent('started');`,
        resolveDir: join(root, 'tests'),
      },
      bundle: true,
      write: false,
      minify: true,
      format: 'esm',
      splitting: true,
      outdir: 'out',
      conditions: [mode],
      define: { 'process.env.NODE_ENV': `"${mode}"` },
    });
    return outputFiles.map(({ text }) => text).join('\n');
  };
  assert.match(await bundled('development'), /Telemetry inspector/);
  assert.doesNotMatch(await bundled('production'), marks);
});

test('the module for development imports what the other one does', () => {
  const names = (/** @type {Uint8Array} */ bytes) => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(bytes)));
    return imports.length;
  };
  assert.equal(
    names(module('development.js')),
    names(readFileSync(join(dist, 'wasm-telemetry.wasm'))),
  );
});

test('in Node importing it does nothing', async (t) => {
  const { code, stdout, stderr } = await run(
    t,
    `import { close, events, explain, open } from 'wasm-telemetry/inspector';
    open();
    close();
    console.log(JSON.stringify([events(), explain('x') === undefined]));`,
  );
  assert.deepEqual([code, stdout, stderr], [0, '[[],true]\n', '']);
});
