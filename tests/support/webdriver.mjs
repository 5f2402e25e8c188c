// Browsers by their WebDrivers, for the engines that playwright-core can't drive as the system has them.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { env } from '../../tools/env.mjs';
import { executable } from './browser.mjs';
import { until } from './wait.mjs';

/** @typedef {import('./server.mjs').Scope} Scope */
/** @typedef {Awaited<ReturnType<typeof open>>} Browser */
/** @typedef {(typeof engineNames)[number]} EngineName */

/**
 * @typedef {object} Engine
 * @property {string} title
 * @property {string} driver
 * @property {() => object} capabilities
 * @property {boolean} [display] it draws on a display, also where nobody looks
 */

const { chromium } = JSON.parse(
  readFileSync(new URL('../../webdriver.json', import.meta.url), 'utf8').replace(
    '"goog:chromeOptions"',
    '"chromium"',
  ),
);
const miniBrowser = ['x86_64', 'aarch64', 'arm'].flatMap((machine) =>
  ['gnu', 'gnueabihf'].map((abi) => `/usr/lib/${machine}-linux-${abi}/webkit2gtk-4.1/MiniBrowser`),
);

export const engineNames = /** @type {const} */ (['chromium', 'firefox', 'webkit']);

/** @type {Record<EngineName, Engine>} */
export const engines = {
  chromium: {
    title: 'Chromium',
    driver: 'chromedriver',
    capabilities: () => ({
      'goog:chromeOptions': { binary: executable(), args: ['--headless=new', ...chromium.args] },
    }),
  },
  firefox: {
    title: 'Firefox',
    driver: 'geckodriver',
    capabilities: () => ({ 'moz:firefoxOptions': { args: ['-headless'] } }),
  },
  webkit: {
    title: 'WebKit',
    driver: 'WebKitWebDriver',
    display: true,
    capabilities: () => ({
      'webkitgtk:browserOptions': {
        binary: miniBrowser.find((path) => existsSync(path)),
        args: ['--automation'],
      },
    }),
  },
};

/** Starts a browser with a profile of its own; it ends with the scope. */
export async function open(/** @type {Scope} */ scope, /** @type {EngineName} */ name) {
  const { driver, capabilities, display } = engines[name];
  const home = mkdtempSync(join(tmpdir(), 'wasm-telemetry-driver-'));
  scope.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));
  const port = await freePort();
  start(scope, driver, [`--port=${port}`], {
    HOME: home,
    TMPDIR: home,
    // Its sandbox needs namespaces that root in a container has not.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
    ...(display ? { DISPLAY: await startDisplay(scope) } : {}),
  });

  const call = async (
    /** @type {string} */ method,
    /** @type {string} */ path,
    /** @type {object | undefined} */ body = undefined,
  ) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
    });
    const { value } = /** @type {{ value: any }} */ (await response.json());
    if (!response.ok) throw new Error(`${name}: ${path}: ${value.error}: ${value.message}`);
    return value;
  };
  const isListening = () => call('GET', '/status').catch(() => false);
  await until(isListening, `${driver} listens on port ${port}`);
  const session = await call('POST', '/session', {
    capabilities: { alwaysMatch: capabilities() },
  });
  const at = `/session/${session.sessionId}`;
  scope.after(() => call('DELETE', at).catch(() => {}));

  return {
    name,
    version: String(session.capabilities.browserVersion),
    /** Goes to an address in the present window, and waits for the page. */
    visit: (/** @type {string} */ url) => call('POST', `${at}/url`, { url }),
    back: () => call('POST', `${at}/back`),
    /** @returns {Promise<any>} what an expression gives in the page; no promise */
    evaluate: (/** @type {string} */ text) =>
      call('POST', `${at}/execute/sync`, { script: `return (${text});`, args: [] }),
    /** @returns {Promise<string>} the present window */
    window: () => call('GET', `${at}/window`),
    /** @returns {Promise<string>} a new window, in which what follows happens */
    async openWindow() {
      const { handle } = await call('POST', `${at}/window/new`, { type: 'tab' });
      await call('POST', `${at}/window`, { handle });
      return handle;
    },
    switchTo: (/** @type {string} */ handle) => call('POST', `${at}/window`, { handle }),
    closeWindow: () => call('DELETE', `${at}/window`),
  };
}

function start(
  /** @type {Scope} */ scope,
  /** @type {string} */ command,
  /** @type {string[]} */ args,
  /** @type {Record<string, string>} */ more = {},
) {
  const found = (env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, command)));
  if (!found) throw new Error(`no ${command}: tools/setup.sh matrix installs it`);
  const child = spawn(command, args, {
    env: { ...env, ...more },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  });
  scope.after(() => {
    try {
      // Its browser, too.
      process.kill(-Number(child.pid), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  });
  return child;
}

/** @returns {Promise<string>} a display in memory */
async function startDisplay(/** @type {Scope} */ scope) {
  const server = start(scope, 'Xvfb', ['-displayfd', '3', '-nolisten', 'tcp']);
  const number = await new Promise((resolve, reject) => {
    server.on('exit', () => reject(new Error('Xvfb has ended')));
    server.stdio[3]?.on('data', (data) => resolve(String(data).trim()));
  });
  return `:${number}`;
}

/** @returns {Promise<number>} */
function freePort() {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}
