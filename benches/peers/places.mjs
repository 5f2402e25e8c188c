// Where sides are measured. Each gets a process of its own, in Node or in Chromium, so that none works
// with what another changed; the rounds of all of them alternate.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { launch } from '../../tests/support/browser.mjs';
import { load } from './inside/start.js';
import { spawn } from './remote.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
export const scripts = fileURLToPath(new URL('../../target/bench', import.meta.url));

export const sideFile = (/** @type {{ file: string }} */ { file }) => join(here, 'sides', file);

export function node() {
  return {
    name: `Node ${process.versions.node}`,
    key: 'node',
    async open(side) {
      const args = [sideFile(side), side.gzip === false ? 'plain' : ''];
      const child = await spawn(join(here, 'inside', 'node.mjs'), args, ['--expose-gc']);
      return {
        start: (options) => child.ask({ name: 'start', args: [options] }),
        run: (task, options) => child.ask({ name: task, args: [options] }),
        /** Microseconds of processor time; `main`: of the main thread, where that can be told apart. */
        cpu: () => child.ask({ name: 'cpu' }),
        main: () => child.ask({ name: 'cpu' }),
        close: child.close,
      };
    },
    close: async () => {},
  };
}

export async function chromium(/** @type {string} */ origin) {
  const browser = await launch(
    '--js-flags=--expose-gc',
    '--enable-precise-memory-info',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  );
  const blank = async (side) => {
    // A context of its own makes Chromium start a renderer for it.
    const context = await browser.newContext();
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(`${side.name}: ${error.message}`));
    await page.goto(`${origin}/${side.key}/page`);
    const client = await context.newCDPSession(page);
    await client.send('Performance.enable');
    const metric = async (/** @type {string} */ wanted) => {
      const { metrics } = await client.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === wanted).value;
    };
    return { context, page, metric };
  };

  return {
    name: `Chromium ${browser.version()}`,
    key: 'chromium',
    browser,
    /** Loads and starts a side in a new page: milliseconds; `main` is the main thread's processor time. */
    async start(side, options) {
      const { context, page, metric } = await blank(side);
      try {
        const before = await metric('ThreadTime');
        const times = await page.evaluate(load, options);
        return { ...times, main: ((await metric('ThreadTime')) - before) * 1000 };
      } finally {
        await context.close();
      }
    },
    bundleStart: (side) =>
      write(
        side,
        'start.js',
        `import { start } from ${JSON.stringify(sideFile(side))};
          window.start = start;`,
        {
          banner: { js: 'window.began = performance.now();' },
          footer: { js: 'window.evaluated = performance.now();' },
        },
      ),
    async open(side) {
      await harness(side);
      const { context, page, metric } = await blank(side);
      if (side.gzip === false) await page.evaluate(() => delete globalThis.CompressionStream);
      await page.addScriptTag({ url: `/${side.key}/side.js` });
      return {
        page,
        start: (options) => page.evaluate((given) => window.subject.start(given), options),
        run: (task, options) =>
          page.evaluate(([name, given]) => window.subject.run(name, given), [task, options]),
        cpu: async () => (await metric('ProcessTime')) * 1e6,
        main: async () => (await metric('ThreadTime')) * 1e6,
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

const harness = (side) =>
  write(
    side,
    'side.js',
    `import * as side from ${JSON.stringify(sideFile(side))};
      import { subject } from './inside/subject.js';
      window.subject = subject(side);`,
  );

async function write(side, file, contents, more = {}) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    ...more,
  });
  mkdirSync(join(scripts, side.key), { recursive: true });
  writeFileSync(join(scripts, side.key, file), outputFiles[0].contents);
}
