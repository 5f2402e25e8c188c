// The web examples as a user has them: bundled, served and opened in Chromium.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ensureInstalled } from '../../tools/install.mjs';
import { root } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';

const web = join(root, 'examples', 'web');
ensureInstalled(web);

/**
 * An endpoint that also gives the example's page, under every path that is not one of its scripts.
 * @param {import('node:test').TestContext} t
 * @param {import('playwright-core').Browser} browser
 * @param {string} name the folder in examples/web
 * @param {string[]} scripts in that folder
 * @param {Record<string, string>} [env] what `process.env` is in them
 */
export async function open(t, browser, name, scripts, env = {}) {
  const { outputFiles } = await build({
    entryPoints: scripts.map((script) => join(web, name, script)),
    outdir: '/',
    outbase: join(web, name),
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    logLevel: 'error',
    define: Object.fromEntries(
      // In development React mounts twice in its strict mode, and misuse of ours throws.
      Object.entries({ NODE_ENV: 'development', ...env }).map(([key, value]) => [
        `process.env.${key}`,
        JSON.stringify(value),
      ]),
    ),
  });
  const served = new Map(outputFiles.map(({ path, text }) => [path, text]));
  const body = readFileSync(join(web, name, 'index.html'));
  const server = await startServer(t);
  server.serve((url) => {
    const script = served.get(url);
    return script === undefined
      ? { type: 'text/html', body }
      : { type: 'text/javascript', body: script };
  });

  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  return {
    server,
    context,
    page,
    /** Goes to a page of the example. */
    go: (path = '/') => page.goto(server.url + path),
    /** Leaves the site, on which what waits is sent. */
    leave: () => page.goto('about:blank'),
  };
}
