// A site whose pages use the package, and its visitors.
import { bundle } from './browser.mjs';
import { startServer } from './server.mjs';

/** @type {Promise<string> | undefined} */
let script;

/**
 * An endpoint that gives pages, too. A page holds `/telemetry.js` and then its own script.
 * @param {import('./server.mjs').Scope} t
 * @param {{ [path: string]: string }} pages the text of each page's script
 * @param {Record<string, string>} [headers] of the pages
 */
export async function serve(t, pages, headers = {}) {
  script ??= bundle();
  const [server, telemetry] = await Promise.all([startServer(t), script]);
  server.serve((path) => {
    if (path === '/telemetry.js') return { type: 'text/javascript', body: telemetry };
    const name = path.replace(/\.js$/, '');
    if (!(name in pages)) return undefined;
    if (path !== name) return { type: 'text/javascript', body: pages[name] };
    const body = `<!doctype html><meta charset="utf-8"><title>${name}</title>
      <script src="/telemetry.js"></script><script src="${name}.js"></script>`;
    return { type: 'text/html', body, headers };
  });
  return server;
}

/**
 * A site, and a visitor with a browser profile of its own.
 * @param {import('./server.mjs').Scope} t
 * @param {import('playwright-core').Browser} browser
 * @param {Parameters<typeof serve>[1]} pages
 * @param {Parameters<typeof serve>[2]} [headers]
 */
export async function site(t, browser, pages, headers) {
  const server = await serve(t, pages, headers);
  const context = await browser.newContext();
  t.after(() => context.close());
  /** @type {string[]} */
  const problems = [];
  const open = async (/** @type {string} */ path) => {
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(server.url + path);
    return page;
  };
  return { server, context, open, problems };
}

/** The text of `init`'s options: a burst is one batch, and what is diagnosed is in `codes`. */
export const options = (more = '') => `{
  serviceName: 'tested',
  batch: { scheduledDelayMillis: 200, baseBackoffMillis: 20, maxBackoffMillis: 200 },
  onDiagnostic: ({ code }) => codes.push(code),
  ${more}
}`;

export const start = (more = '') => `var codes = []; telemetry.init(${options(more)});`;

/** Nothing is sent or stored by itself, but when the page goes away. */
export const idle = 'batch: { scheduledDelayMillis: 3600000 }';

export const logMany = (count = 20, more = '') =>
  `for (let n = 0; n < ${count}; n += 1) telemetry.logEvent('counted', { n ${more} });`;

/** A later visit finds no lease in force: its clock is so far ahead. */
export const later = (/** @type {import('playwright-core').BrowserContext} */ context) =>
  context.addInitScript(() => {
    const { now } = Date;
    Date.now = () => now() + 10 * 60_000;
  });

export const stats = (/** @type {import('playwright-core').Page} */ page) =>
  page.evaluate('telemetry.stats()');

export const numbers = (/** @type {any[]} */ events) =>
  events.map(({ event_metadata: { n } }) => n).sort((a, b) => a - b);
export const upTo = (/** @type {number} */ count) => Array.from({ length: count }, (_, n) => n);
export const ids = (/** @type {any[]} */ events) => new Set(events.map(({ event_id }) => event_id));

/**
 * The batches that IndexedDB really holds; a tab's own `stats` tell what it saw last.
 * @returns {Promise<{ key: string, lease: number, attempts: number, events: number }[]>}
 */
export const stored = (/** @type {import('playwright-core').Page} */ page, service = 'tested') =>
  page.evaluate(async (name) => {
    const outcome = (/** @type {IDBRequest} */ request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await outcome(indexedDB.open(name));
    try {
      const meta = database.transaction('meta').objectStore('meta');
      const [keys, entries] = await Promise.all([meta.getAllKeys(), meta.getAll()].map(outcome));
      const all = keys.map((/** @type {string} */ key, /** @type {number} */ index) => ({
        key,
        ...entries[index],
      }));
      // Other than the note that the endpoint was well.
      return all.filter((/** @type {{ events: number }} */ { events }) => events > 0);
    } finally {
      database.close();
    }
  }, `wasm-telemetry:${service}`);
