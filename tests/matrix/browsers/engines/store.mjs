// tests/web_store.rs in an engine: wasm-bindgen's runner serves the tests, and its page tells how they went.
import { execFileSync } from 'node:child_process';
import { env, root } from '../../../../tools/env.mjs';
import { until } from '../../../support/wait.mjs';
import { open } from '../../../support/webdriver.mjs';

/**
 * @param {string} engine
 * @param {string} name
 * @returns {import('../../support/environments.mjs').Environment}
 */
export function conformance(engine, name) {
  return {
    name,
    events: [],
    async run(lab) {
      const address = `127.0.0.1:${await lab.freePort()}`;
      await lab.start('wasm-bindgen-test-runner', [compiled()], /now available at/, {
        PATH: env.PATH ?? '',
        NO_HEADLESS: '1',
        WASM_BINDGEN_TEST_ADDRESS: address,
      });
      const browser = await open(lab, /** @type {any} */ (engine));
      await browser.visit(`http://${address}/`);
      const output = await until(async () => {
        const text = await browser.evaluate('document.getElementById("output").textContent');
        return /test result: /.test(text) && text;
      }, 'the tests end');
      const result = output.match(/test result: ok\. (\d+) passed/);
      if (!result) throw new Error(`${output.match(/test result: .*/)}\n${output}`);
      return `${browser.version}: ${result[1]} tests`;
    },
  };
}

/** @returns {string} the tests as WebAssembly */
function compiled() {
  const options = ['--locked', '--target', 'wasm32-unknown-unknown', '--test', 'web_store'];
  const messages = execFileSync(
    'cargo',
    ['test', ...options, '--no-run', '--message-format=json'],
    { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26 },
  );
  const artifacts = messages
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const { executable } = artifacts.findLast(({ target }) => target?.name === 'web_store');
  return executable;
}
