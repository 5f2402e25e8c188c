// A browser, a site that uses the package, and checks one after the other.
import assert from 'node:assert/strict';
import { build } from 'esbuild';
import { ids, logMany, numbers, options, upTo } from '../../support/site.mjs';
import { until } from '../../support/wait.mjs';
import { engines, open } from '../../support/webdriver.mjs';

/** @typedef {import('../../support/webdriver.mjs').Browser} Browser */
/** @typedef {Awaited<ReturnType<typeof serve>>} Site */
/** @typedef {(site: Site, browser: Browser) => Promise<string | void>} Check `string`: a remark */

/**
 * @param {import('../../support/webdriver.mjs').EngineName} engine
 * @param {string} what
 * @param {Record<string, Check>} checks
 * @param {{ remark?: string, quick?: boolean }} [more]
 * @returns {import('./environments.mjs').Environment}
 */
export function visits(
  engine,
  what,
  checks,
  { remark = Object.keys(checks).join(', '), quick } = {},
) {
  return {
    name: `${engines[engine].title}, ${what}`,
    quick,
    events: [],
    async run(lab) {
      const script = await bundle(lab.project);
      const browser = await open(lab, engine);
      const remarks = [`${browser.version}: ${remark}`];
      for (const [index, [title, check]] of Object.entries(checks).entries()) {
        try {
          // Each has a store of its own.
          const more = await check(serve(lab, script, `tested-${index}`), browser);
          if (more) remarks.push(more);
        } catch (error) {
          throw new Error(`${title}: ${/** @type {Error} */ (error).message}`);
        }
      }
      return remarks.join('; ');
    },
  };
}

function serve(
  /** @type {import('./lab.mjs').Lab} */ { server },
  /** @type {string} */ script,
  /** @type {string} */ service,
) {
  server.requests.length = 0;
  server.answerWith(() => undefined);
  const own = () =>
    server.accepted().filter(({ body }) => body.resource['service.name'] === service);
  const events = () => own().flatMap(({ body }) => body.events);
  return {
    server,
    service,
    events,
    /** A page's script that calls `init`. */
    start: (more = '') =>
      `var codes = []; telemetry.init(${options(`serviceName: '${service}', ${more}`)});`,
    logMany,
    /**
     * A page holds `/telemetry.js` and its own script, `<path>.js`, which is all that a worker has.
     * @param {Record<string, string>} scripts
     * @param {Record<string, string>} [headers] of all
     */
    give(scripts, headers) {
      server.serve((path) => {
        const type = 'text/javascript';
        if (path === '/telemetry.js') return { type, headers, body: script };
        const name = path.replace(/\.js$/, '');
        if (!(name in scripts)) return undefined;
        if (path !== name) return { type, headers, body: scripts[name] };
        const body = `<!doctype html><meta charset="utf-8"><title>${name}</title>
          <script src="/telemetry.js"></script><script src="${name}.js"></script>`;
        return { type: 'text/html', headers, body };
      });
    },
    /** Waits for the events 0 to `count - 1`; what comes twice has the same id. */
    async arrive(/** @type {number} */ count) {
      await until(() => ids(events()).size === count, `${count} events arrive`);
      const distinct = new Map(events().map((event) => [event.event_id, event]));
      assert.deepEqual(numbers([...distinct.values()]), upTo(count));
    },
  };
}

async function bundle(/** @type {string} */ project) {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as telemetry from 'wasm-telemetry'; self.telemetry = telemetry;`,
      resolveDir: project,
    },
    bundle: true,
    write: false,
    format: 'iife',
    logLevel: 'error',
  });
  return outputFiles[0].text;
}
