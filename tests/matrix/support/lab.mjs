// What an environment works with while it runs: an endpoint, processes, and Chromium.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { extname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { launch } from '../../support/browser.mjs';
import { startServer } from '../../support/server.mjs';
import { until } from '../../support/wait.mjs';

/** @typedef {import('./environments.mjs').Found} Found */
/** @typedef {Awaited<ReturnType<typeof openLab>>} Lab */
/** @typedef {Record<string, string>} Variables */

const runMinutes = 5;
const eventMillis = 30_000;

/**
 * Runs an environment's program, and sees to it that its events arrive.
 * @returns {Promise<{ remark?: string, reason?: string }>}
 */
export async function run(/** @type {Found} */ environment) {
  /** @type {(() => unknown)[]} */
  const ends = [];
  const lab = await openLab(environment, (end) => ends.unshift(end));
  try {
    const remark = await withinLimit(environment.run(lab));
    for (const name of environment.events ?? ['started']) await lab.seen(name);
    return { remark: remark ?? undefined };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: stripVTControlCharacters([message, ...lab.problems].join('\n')) };
  } finally {
    for (const end of ends) await end();
  }
}

async function openLab(
  /** @type {Found} */ { project },
  /** @type {(end: () => unknown) => void} */ after,
) {
  const server = await startServer({ after });
  /** @type {string[]} */
  const problems = [];

  // Without NODE_ENV, OTEL_… and whatever else is set where the matrix runs.
  const surroundings = (/** @type {Variables} */ more = {}) => ({
    PATH: `${join(project, 'node_modules', '.bin')}:${process.env.PATH}`,
    HOME: join(project, 'home'),
    ENDPOINT: server.url,
    ...more,
  });

  /** A process that is ended with all that it started when the environment is done. */
  const spawned = (/** @type {string} */ command, /** @type {string[]} */ args, env = {}) => {
    const child = spawn(command, args, {
      cwd: project,
      env: surroundings(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const out = { child, text: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        out.text += stripVTControlCharacters(chunk);
      });
    }
    const end = () => {
      process.removeListener('exit', end);
      try {
        process.kill(-Number(child.pid), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    process.on('exit', end);
    child.on('exit', () => process.removeListener('exit', end));
    after(end);
    return out;
  };

  return {
    /** The project: its files, the packages it installed, and `node_modules/wasm-telemetry`. */
    project,
    server,
    after,
    /** What is shown beside the reason of a failure. */
    problems,

    /**
     * Runs a command in the project to its end, with `ENDPOINT` set.
     * @returns {Promise<string>} what it printed
     */
    exec(
      /** @type {string} */ command,
      /** @type {string[]} */ args,
      /** @type {Variables} */ env = {},
    ) {
      const out = spawned(command, args, env);
      return new Promise((resolve, reject) => {
        out.child.on('error', reject);
        out.child.on('close', (code, signal) => {
          if (code === 0) return resolve(out.text);
          reject(new Error(`${command} ended with ${code ?? signal}:\n${out.text.trim()}`));
        });
      });
    },

    /** Starts a command that goes on, and waits for what tells that it is ready. */
    async start(
      /** @type {string} */ command,
      /** @type {string[]} */ args,
      /** @type {RegExp} */ ready,
      /** @type {Variables} */ env = {},
    ) {
      const out = spawned(command, args, env);
      let failed = false;
      out.child.on('error', () => (failed = true));
      out.child.on('exit', () => (failed = true));
      try {
        await until(() => failed || ready.test(out.text), String(ready));
        if (failed) throw new Error(`${command} has ended`);
      } catch (error) {
        throw new Error(`${/** @type {Error} */ (error).message}:\n${out.text.trim()}`);
      }
    },

    /** @returns {Promise<number>} a port that nobody listens on */
    freePort() {
      const probe = createServer();
      return new Promise((resolve) => {
        probe.listen(0, '127.0.0.1', () => {
          const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
          probe.close(() => resolve(port));
        });
      });
    },

    /** Opens a page in Chromium; `url` is an address, or a path in a folder that the endpoint then serves. */
    async visit(/** @type {string} */ url, /** @type {string | undefined} */ folder = undefined) {
      if (folder !== undefined) server.serve((path) => resourceIn(join(project, folder), path));
      const browser = await launch();
      after(() => browser.close());
      const page = await browser.newPage();
      page.on('pageerror', (error) => problems.push(`in the page: ${error}`));
      page.on('console', (message) => {
        if (/error|warning/.test(message.type())) problems.push(`console: ${message.text()}`);
      });
      const address = new URL(url, server.url);
      if (address.origin !== server.url) address.searchParams.set('endpoint', server.url);
      // A dev server compiles first.
      await page.goto(address.href, { timeout: 120_000 });
      return page;
    },

    /** Waits until an event of this name has arrived. */
    seen(/** @type {string} */ name) {
      const arrived = () => server.events().find(({ event_name }) => event_name === name);
      return until(arrived, `the event "${name}"`, eventMillis);
    },
  };
}

const types = /** @type {Record<string, string>} */ ({
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
});

function resourceIn(/** @type {string} */ folder, /** @type {string} */ path) {
  const { pathname } = new URL(path, 'http://localhost');
  const file = join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
  const type = types[extname(file)];
  if (!type) return undefined;
  try {
    return { type, body: readFileSync(file) };
  } catch {
    return undefined;
  }
}

/**
 * @template T
 * @param {Promise<T>} running
 */
function withinLimit(running) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const limit = new Promise((_, reject) => {
    const give = () => reject(new Error(`not done after ${runMinutes} minutes`));
    timer = setTimeout(give, runMinutes * 60_000);
  });
  return /** @type {Promise<T>} */ (Promise.race([running, limit])).finally(() =>
    clearTimeout(timer),
  );
}
