// What a Node process loses at its end and in an outage.
import { folder, open, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} logged
 * @property {number} arrived of them, each counted once
 * @property {number} doubled events that came again
 * @property {string} note
 */

const logged = 1_000;

/** @type {{ title: string, run: (t: import('node:test').TestContext) => Promise<Outcome> }[]} */
export const trials = [
  {
    title: 'Node: 1,000 events, then `process.exit(0)`',
    async run(t) {
      const server = await startServer(t);
      const directory = folder(t);
      const options = { serviceName: 'trial', directory, batch: { baseUrl: server.url } };
      await run(
        t,
        `telemetry.init(${JSON.stringify(options)});
        for (let n = 0; n < ${logged}; n += 1) telemetry.logEvent('logged', { n });
        process.exit(0);`,
      );
      const before = count(server).arrived;
      const { telemetry } = open(t, server.url, { directory });
      await until(() => count(server).arrived >= logged);
      await telemetry.flush();
      return { ...count(server), note: `${before} before the next start` };
    },
  },
  {
    title: 'Node: server answers 503 five times, then 200',
    async run(t) {
      const server = await startServer(t, (_, index) => ({ status: index < 5 ? 503 : 200 }));
      const { telemetry } = open(t, server.url);
      for (let n = 0; n < logged; n += 1) telemetry.logEvent('logged', { n });
      await until(() => count(server).arrived >= logged);
      await telemetry.flush();
      return { ...count(server), note: `${server.requests.length} requests` };
    },
  },
];

function count(/** @type {Awaited<ReturnType<typeof startServer>>} */ server) {
  const ids = server.events().map(({ event_id }) => event_id);
  const arrived = new Set(ids).size;
  return { logged, arrived, doubled: ids.length - arrived };
}
