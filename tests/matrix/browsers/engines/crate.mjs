// The crate's own tests in an engine: wasm-bindgen's runner serves them, and its page tells how they went.
import { env } from '../../../../tools/env.mjs';
import { until } from '../../../support/wait.mjs';
import { engines, open } from '../../../support/webdriver.mjs';
import { cargo } from '../../support/cargo.mjs';

/** The store's conformance suite, and the client as JavaScript sees it. */
const names = ['web_store', 'web_edge'];

/**
 * @param {import('../../../support/webdriver.mjs').EngineName} engine
 * @returns {import('../../support/environments.mjs').Environment}
 */
export function crate(engine) {
  return {
    name: `${engines[engine].title}, tests of the crate`,
    events: [],
    async run(lab) {
      const browser = await open(lab, engine);
      let passed = 0;
      for (const file of compiled()) {
        const address = `127.0.0.1:${await lab.freePort()}`;
        await lab.start('wasm-bindgen-test-runner', [file], /now available at/, {
          PATH: env.PATH ?? '',
          NO_HEADLESS: '1',
          WASM_BINDGEN_USE_BROWSER: '1',
          WASM_BINDGEN_TEST_ADDRESS: address,
        });
        await browser.visit(`http://${address}/`);
        const output = await until(async () => {
          const text = await browser.evaluate('document.getElementById("output").textContent');
          return /test result: /.test(text) && text;
        }, 'the tests end');
        const [, count] = output.match(/test result: ok\. (\d+) passed/) ?? [];
        if (!count) throw new Error(`${output.match(/test result: .*/)}\n${output}`);
        passed += Number(count);
      }
      return `${browser.version}: ${passed} tests, the store's conformance suite among them`;
    },
  };
}

/** @returns {string[]} the tests as WebAssembly */
function compiled() {
  const tests = names.flatMap((name) => ['--test', name]);
  const messages = cargo('test', ...tests, '--no-run', '--message-format=json');
  const artifacts = messages
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return artifacts
    .filter(({ executable, target }) => executable && names.includes(target.name))
    .map(({ executable }) => executable);
}
