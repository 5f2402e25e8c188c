// tests/web_store.rs in an engine: wasm-bindgen's runner serves the tests, and its page tells how they went.
import { env } from '../../../../tools/env.mjs';
import { until } from '../../../support/wait.mjs';
import { engines, open } from '../../../support/webdriver.mjs';
import { cargo } from '../../support/cargo.mjs';

/**
 * @param {import('../../../support/webdriver.mjs').EngineName} engine
 * @returns {import('../../support/environments.mjs').Environment}
 */
export function conformance(engine) {
  return {
    name: `${engines[engine].title}, the store's conformance suite`,
    events: [],
    async run(lab) {
      const address = `127.0.0.1:${await lab.freePort()}`;
      await lab.start('wasm-bindgen-test-runner', [compiled()], /now available at/, {
        PATH: env.PATH ?? '',
        NO_HEADLESS: '1',
        WASM_BINDGEN_TEST_ADDRESS: address,
      });
      const browser = await open(lab, engine);
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
  const messages = cargo('test', '--test', 'web_store', '--no-run', '--message-format=json');
  const artifacts = messages
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const { executable } = artifacts.findLast(({ target }) => target?.name === 'web_store');
  return executable;
}
