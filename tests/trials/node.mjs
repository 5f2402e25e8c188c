// Processes that end, and an endpoint that fails, with the package's own settings.
import { folder, run, Telemetry } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const logged = 1_000;

/** @type {typeof import('./browser.mjs').trials} */
export const trials = [
  {
    title: 'Node: 1,000 events, then `process.exit(0)`',
    async run(t) {
      const server = await startServer(t);
      const options = optionsOf(t, server);
      await run(
        t,
        `telemetry.init(${JSON.stringify(options)});
        for (let n = 0; n < ${logged}; n += 1) telemetry.logEvent('logged', { n });
        process.exit(0);`,
      );
      const before = count(server).arrived;
      start(t, options);
      const after = await settled(server);
      return { ...after, note: `${before} at once, ${after.arrived - before} at the next start` };
    },
  },
  {
    title: 'Node: the endpoint answers 503 five times, then 200',
    async run(t) {
      const server = await startServer(t, (_, index) => ({ status: index < 5 ? 503 : 200 }));
      const telemetry = start(t, optionsOf(t, server));
      for (let n = 0; n < logged; n += 1) telemetry.logEvent('logged', { n });
      const after = await settled(server);
      return { ...after, note: `after ${server.requests.length} requests` };
    },
  },
];

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */
/** @typedef {import('../support/server.mjs').Scope} Scope */

function optionsOf(/** @type {Scope} */ t, /** @type {Server} */ { url: baseUrl }) {
  return { serviceName: 'tried', directory: folder(t), batch: { baseUrl } };
}

function start(
  /** @type {Scope} */ t,
  /** @type {import('../../pkg/index.d.ts').InitOptions} */ options,
) {
  const telemetry = new Telemetry(options);
  t.after(() => telemetry.shutdown({ timeoutMillis: 0 }));
  return telemetry;
}

async function settled(/** @type {Server} */ server) {
  await until(() => count(server).arrived >= logged, `${logged} events arrived`);
  return count(server);
}

function count(/** @type {Server} */ server) {
  const ids = server.events().map(({ event_id }) => event_id);
  const arrived = new Set(ids).size;
  return { logged, arrived, doubled: ids.length - arrived };
}
