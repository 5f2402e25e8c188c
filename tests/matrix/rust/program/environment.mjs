// examples/rust: a program of its own that has the crate as a dependency.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cargoConfig, env, root } from '../../../../tools/env.mjs';
import { cargo } from '../../support/cargo.mjs';

const target = join(root, 'target');
const module = join(target, 'wasm32-unknown-unknown/release/wasm_telemetry_example.wasm');

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: 'a crate that depends on ours, on wasm32',
    events: ['basket_opened', 'item_added', 'bought'],
    async run({ project, server, exec }) {
      const manifest = join(root, 'examples/rust/Cargo.toml');
      const options = ['--release', '--manifest-path', manifest, '--target-dir', target];
      cargo('build', ...options, ...cargoConfig);
      const tools = { PATH: env.PATH ?? '' };
      await exec('wasm-bindgen', ['--target', 'nodejs', '--out-dir', '.', module], tools);
      writeFileSync(
        join(project, 'main.cjs'),
        `const { Basket } = require('./wasm_telemetry_example.js');
         const basket = new Basket({
           serviceName: 'matrix',
           store: 'memory',
           batch: { baseUrl: process.env.ENDPOINT },
         });
         basket.add(2.5);
         basket.add(4);
         basket.buy().then((report) => console.log(JSON.stringify(report)));`,
      );
      const { delivered } = JSON.parse(await exec('node', ['main.cjs']));
      assert.equal(delivered, 4);
      const [{ event_metadata: bought }] = server.events().slice(-1);
      assert.deepEqual(bought, { total: 6.5, currency: 'EUR' });
    },
  },
];
