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
  served.set('/next.js', await nextPage());
  const body = readFileSync(join(web, name, 'index.html'));
  const server = await startServer(t);
  server.serve((url) => {
    const script = served.get(url);
    if (script !== undefined) return { type: 'text/javascript', body: script };
    const next = '<!doctype html><script type="module" src="/next.js"></script>';
    return { type: 'text/html', body: url.startsWith('/next?') ? next : body };
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
    /**
     * Leaves for the site's next page, which logs nothing of its own: what could not be sent in leaving, as
     * WebAssembly was not ready yet, goes out from there.
     */
    leave: (service = 'shop') => page.goto(`${server.url}/next?${service}`),
  };
}

/** @type {Promise<string> | undefined} */
let next;

function nextPage() {
  next ??= build({
    stdin: {
      contents: `import { init } from 'wasm-telemetry';
        init({ serviceName: location.search.slice(1), batch: { scheduledDelayMillis: 20 } });`,
      resolveDir: web,
    },
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'error',
  }).then(({ outputFiles }) => outputFiles[0].text);
  return next;
}
