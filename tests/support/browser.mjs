// Chromium, and pages that use the built package as a bundle would.
import { existsSync, readlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { dist } from './package.mjs';

/** @returns {string} where Chromium is */
export function executable() {
  const { CHROMIUM, PATH = '' } = process.env;
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const path = [CHROMIUM, '/usr/bin/chromium', ...found].find((each) => each && existsSync(each));
  if (!path) throw new Error('no Chromium: install it, or say where it is by CHROMIUM=');
  return path;
}

const settings = (/** @type {string[]} */ ...more) => ({
  executablePath: executable(),
  args: [
    ...more,
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--disable-gpu',
    '--disable-quic',
  ],
  // As a user's browser has it: pages can come back.
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
});

export const launch = (/** @type {string[]} */ ...more) => chromium.launch(settings(...more));

/** A browser that keeps what it stores in a folder, and what kills it as `kill -9` would. */
export async function launchOn(/** @type {string} */ directory) {
  const context = await chromium.launchPersistentContext(directory, settings());
  const kill = async () => {
    // The lock that keeps a second browser off the profile names the process: `<host>-<pid>`.
    const pid = Number(readlinkSync(join(directory, 'SingletonLock')).split('-').at(-1));
    const closed = new Promise((resolve) => context.once('close', resolve));
    process.kill(pid, 'SIGKILL');
    await closed;
  };
  return { context, kill };
}

/** Runs what makes the page go away. Whether its end is heard of before the page is gone is a race. */
export async function leaveBy(
  /** @type {import('playwright-core').Page} */ page,
  /** @type {string | (() => void)} */ script,
  elsewhere = '**/other',
) {
  const ran = page.evaluate(script).catch((error) => {
    if (!error.message.includes('Execution context was destroyed')) throw error;
  });
  await Promise.all([page.waitForURL(elsewhere), ran]);
}

/** Kills a tab's renderer. */
export async function crash(/** @type {import('playwright-core').Page} */ page) {
  const client = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  // It is never answered.
  client.send('Page.crash').catch(() => {});
  await crashed;
  await page.close();
}

/** @returns {Promise<string>} the package as one script that leaves its names on `window.telemetry` */
export async function bundle(entry = 'browser.js') {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as telemetry from ${JSON.stringify(join(dist, entry))};
        window.telemetry = telemetry;`,
      resolveDir: dist,
    },
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    logLevel: 'error',
  });
  return outputFiles[0].text;
}
