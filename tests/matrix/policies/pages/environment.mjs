// Pages that restrict themselves, in three engines.
import assert from 'node:assert/strict';
import { until } from '../../../support/wait.mjs';
import { engineNames } from '../../../support/webdriver.mjs';
import { visits } from '../../support/visits.mjs';

/** Keeps what the page's policy forbade. */
const watch = `var violations = [];
  addEventListener('securitypolicyviolation', (event) => {
    violations.push(event.violatedDirective + ' ' + event.blockedURI);
  });`;

/** @type {Record<string, import('../../support/visits.mjs').Check>} */
const checks = {
  async "Content-Security-Policy with 'wasm-unsafe-eval' alone, and Trusted Types"(
    { give, start, logMany, arrive, server },
    browser,
  ) {
    give(
      {
        '/': `${watch} ${start()} ${logMany()}
          telemetry.ready().then(() => { window.isReady = true; });`,
      },
      {
        'Content-Security-Policy':
          "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src 'self'; " +
          "require-trusted-types-for 'script'; trusted-types 'none'",
      },
    );
    await browser.visit(`${server.url}/`);
    await arrive(20);
    await until(() => browser.evaluate('window.isReady === true'));
    assert.equal(await browser.evaluate('violations.join()'), '');
    assert.equal(await browser.evaluate('codes.join()'), '');
  },

  async 'a Content-Security-Policy that forbids WebAssembly'(
    { give, start, logMany, server },
    browser,
  ) {
    give(
      {
        '/': `${start()} ${logMany(2_000)}
          telemetry.ready().then(() => {
            ${logMany()}
            return telemetry.flush();
          }).then((report) => { window.goesOn = report.delivered === 0; });`,
      },
      { 'Content-Security-Policy': "default-src 'none'; script-src 'self'; connect-src 'self'" },
    );
    await browser.visit(`${server.url}/`);
    await until(() => browser.evaluate('window.goesOn === true'), 'the page goes on');
    assert.equal(await browser.evaluate('codes.join()'), 'wasm_unavailable');
    assert.equal(await browser.evaluate('telemetry.stats().state'), 'unavailable');
    assert.equal(server.requests.length, 0);
  },

  async 'cross-origin isolation, with an endpoint elsewhere'(
    { give, start, logMany, arrive, server },
    browser,
  ) {
    const baseUrl = server.url.replace('127.0.0.1', 'localhost');
    give(
      {
        '/': `${start(`batch: { baseUrl: '${baseUrl}', scheduledDelayMillis: 20 }`)} ${logMany()}`,
      },
      {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    );
    await browser.visit(`${server.url}/`);
    assert.equal(await browser.evaluate('crossOriginIsolated'), true);
    await arrive(20);
    assert.equal(server.requests[0].headers.host, new URL(baseUrl).host);
  },

  async 'a sandboxed frame with an opaque origin'(
    { give, start, logMany, arrive, server },
    browser,
  ) {
    const scheduled = 'scheduledDelayMillis: 20';
    give({
      '/': `onmessage = ({ data }) => { window.told = data; };
        var frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.src = '/framed';
        document.documentElement.append(frame);`,
      '/framed': `${start(`batch: { baseUrl: '${server.url}', ${scheduled} }`)} ${logMany()}
        telemetry.flush().then(() => {
          const { kind } = telemetry.stats().store;
          parent.postMessage([origin, kind, ...codes].join(), '*');
        });`,
    });
    await browser.visit(`${server.url}/`);
    await arrive(20);
    const told = await until(() => browser.evaluate('window.told'), 'the frame answers');
    assert.equal(told, 'null,memory,store_memory');
    assert.equal(server.requests[0].headers.origin, 'null');
  },
};

const remark = 'strict CSP, Trusted Types, no WebAssembly, cross-origin isolation, opaque origin';

export const environments = engineNames.map((engine) =>
  visits(engine, 'policies', checks, { remark, quick: engine === 'chromium' }),
);
