// A page as a developer has it open: the package's build for development and the inspector beside it.
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

/** By the names and conditions that a bundler for development resolves. */
export async function bundled(/** @type {string} */ contents, conditions = ['development']) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(root, 'tests') },
    bundle: true,
    write: false,
    format: 'iife',
    logLevel: 'error',
    conditions,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles[0].text;
}

const program = bundled(`
  import * as inspector from 'wasm-telemetry/inspector';
  import * as telemetry from 'wasm-telemetry';
  Object.assign(window, { telemetry, inspector });
`);

/** Nothing is sent but by `flush`, and a refused batch is not tried again by itself. */
export const idle = {
  scheduledDelayMillis: 3_600_000,
  baseBackoffMillis: 600_000,
  maxBackoffMillis: 600_000,
};

/**
 * @param {import('node:test').TestContext} t
 * @param {import('playwright-core').Browser} browser
 * @param {{
 *   options?: object, init?: boolean, script?: string | Promise<string>,
 *   headers?: Record<string, string>, context?: import('playwright-core').BrowserContextOptions,
 * }} [visit] `options` of `init`, which is called with them unless `init` is false
 */
export async function visit(t, browser, visit = {}) {
  const { options = {}, init = true, headers, script = program } = visit;
  const [server, text] = await Promise.all([startServer(t), script]);
  server.serve((path) => {
    if (path === '/program.js') return { type: 'text/javascript', body: text };
    const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title>
      <body><h1>A page</h1><button>The page's own</button><script src="/program.js"></script></body></html>`;
    return path === '/' ? { type: 'text/html', body, headers } : undefined;
  });
  const context = await browser.newContext(visit.context);
  t.after(() => context.close());
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(server.url);
  const given = { serviceName: 'tested', strict: false, batch: idle, ...options };
  const start = () =>
    page.evaluate((all) => {
      const { telemetry } = /** @type {any} */ (window);
      telemetry.init(all);
      return telemetry.ready();
    }, given);
  if (init) await start();

  /** @returns {Promise<import('../../pkg/inspector.d.ts').Explanation[]>} */
  const events = () => page.evaluate('inspector.events()');
  /** The one event of that name. */
  const event = async (/** @type {string} */ name) => {
    const found = (await events()).filter((each) => each.name === name);
    if (found.length !== 1) throw new Error(`${found.length} events are named ${name}`);
    return found[0];
  };
  return {
    ...{ server, page, context, problems, start, events, event },
    run: (/** @type {string} */ text) => page.evaluate(text),
    flush: () => page.evaluate('telemetry.flush()'),
    fate: (/** @type {string} */ name, /** @type {string} */ fate) =>
      until(async () => {
        const found = await event(name);
        return found.fate === fate && found;
      }),
    /** @returns {Promise<import('../../pkg/index.d.ts').Stats>} */
    stats: () => page.evaluate('telemetry.stats()'),
  };
}

/** What is told of an event, without the times. */
export const told = (/** @type {import('../../pkg/inspector.d.ts').Explanation} */ { story }) =>
  story.map(({ text }) => text);
