// A stock `wasm-pack build` for each of its targets, and its JavaScript where that is at home.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cargoConfig, env, root } from '../../../../tools/env.mjs';

/** @typedef {import('../../support/lab.mjs').Lab} Lab */

const log = (/** @type {string} */ endpoint) => `
  const client = new Client({
    serviceName: 'matrix',
    store: 'memory',
    batch: { baseUrl: ${endpoint} },
  });
  client.logEvent('started', { step: 1 });
  client.flush(10_000);`;

const imported = `import { Client } from './built/wasm_telemetry.js'; ${log('process.env.ENDPOINT')}`;

/** @type {Record<string, { place: string, files: Record<string, string>, run: (lab: Lab) => unknown }>} */
const targets = {
  bundler: {
    place: 'Deno',
    files: { 'main.mjs': imported },
    run: ({ exec }) => exec('deno', ['run', '--allow-all', 'main.mjs']),
  },
  deno: {
    place: 'Deno',
    files: { 'main.mjs': imported },
    run: ({ exec }) => exec('deno', ['run', '--allow-all', 'main.mjs']),
  },
  nodejs: {
    place: 'Node',
    files: {
      'main.cjs': `const { Client } = require('./built/wasm_telemetry.js');
        ${log('process.env.ENDPOINT')}`,
    },
    run: ({ exec }) => exec('node', ['main.cjs']),
  },
  web: {
    place: 'Chromium',
    files: {
      'index.html': '<!doctype html><script type="module" src="main.js"></script>',
      'main.js': `import init, { Client } from './built/wasm_telemetry.js';
        await init();
        ${log('location.origin')}`,
    },
    run: ({ visit }) => visit('/', '.'),
  },
  'no-modules': {
    place: 'Chromium',
    files: {
      'index.html': `<!doctype html><script src="built/wasm_telemetry.js"></script>
        <script src="main.js"></script>`,
      'main.js': `wasm_bindgen('built/wasm_telemetry_bg.wasm').then(() => {
        const { Client } = wasm_bindgen;
        ${log('location.origin')}
      });`,
    },
    run: ({ visit }) => visit('/', '.'),
  },
};

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = Object.entries(targets).map(([target, { place, files, run }]) => ({
  name: `wasm-pack build --target ${target}, in ${place}`,
  async run(lab) {
    execFileSync(
      'wasm-pack',
      [
        ...['--log-level', 'warn', 'build', '--target', target],
        ...['--out-dir', join(lab.project, 'built'), '--', ...cargoConfig],
      ],
      { cwd: root, env, stdio: ['ignore', 2, 2] },
    );
    for (const [name, text] of Object.entries(files)) writeFileSync(join(lab.project, name), text);
    await run(lab);
  },
}));
