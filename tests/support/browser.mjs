// Chromium, and pages that use the built package as a bundle would.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { dist } from './package.mjs';

/** @returns {string} where Chromium is */
function executable() {
  const { CHROMIUM, PATH = '' } = process.env;
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const path = [CHROMIUM, '/usr/bin/chromium', ...found].find((each) => each && existsSync(each));
  if (!path) throw new Error('no Chromium: install it, or say where it is by CHROMIUM=');
  return path;
}

/** @param {string[]} more arguments of Chromium's */
export function launch(...more) {
  return chromium.launch({
    executablePath: executable(),
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-gpu',
      '--disable-quic',
      ...more,
    ],
    // As a user's browser has it: pages can come back.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}

/** @returns {Promise<string>} the package as one script that leaves its names on `window.telemetry` */
export async function bundle() {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as telemetry from ${JSON.stringify(join(dist, 'index.js'))};
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
