// workerd as its users have it: bundled and run by wrangler.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { numbers, upTo } from '../../../support/site.mjs';
import { until } from '../../../support/wait.mjs';
import { versionOf } from '../../support/environments.mjs';

// Wrangler needs a newer Node than this package.
const node = `node24-${process.platform}-${process.arch}/bin/node`;

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: `workerd, by wrangler ${versionOf(import.meta.url, 'wrangler')}`,
    async run({ project, server, start, freePort, seen }) {
      const port = await freePort();
      await start(
        join(project, 'node_modules', node),
        [
          ...['node_modules/wrangler/bin/wrangler.js', 'dev', '--ip', '127.0.0.1'],
          ...['--port', String(port), '--inspector-port', '0', '--var', `ENDPOINT:${server.url}`],
        ],
        /Ready on/,
        { CI: '1', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
      );
      let n = 0;
      const ask = async (/** @type {string} */ how) => {
        const response = await fetch(`http://127.0.0.1:${port}/${how}`);
        if (!response.ok) throw new Error(`/${how}: ${await response.text()}`);
        return /** @type {Promise<any>} */ (response.json());
      };
      const log = (/** @type {string} */ how) => {
        n += 1;
        return ask(`${how}?n=${n - 1}`);
      };
      const arrived = () =>
        numbers(server.events().filter(({ event_name }) => event_name === 'counted'));
      const allArrive = async (/** @type {string} */ what) => {
        await until(() => arrived().length >= n, what, 20_000);
        assert.deepEqual(arrived(), upTo(n), what);
      };

      await log('wait');
      await allArrive('waitUntil(flush())');
      await seen('started');
      const [{ core_metadata, timestamp }] = server.events();
      assert.equal(core_metadata.region, 'global');
      assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 3_600_000, timestamp);

      server.answerWith(() => sleep(100).then(() => undefined));
      await Promise.all(Array.from({ length: 20 }, () => log('wait')));
      await allArrive('twenty requests at once');

      server.answerWith(() => ({ status: 503 }));
      const { stored } = await log('flush');
      assert.equal(stored, 1, 'an endpoint that is down');
      server.answerWith(() => undefined);
      await log('flush');
      await allArrive('what could not be sent goes with the next flush');

      await log('keep');
      await log('wait');
      await allArrive('an event of a request that does not flush');

      server.answerWith(() => ({ hang: true }));
      await log('leave');
      server.answerWith(() => undefined);
      await until(async () => {
        await ask('wait');
        return arrived().length === n;
      }, 'what a request that is over had in flight');

      const { codes, ledger, store } = await ask('stats');
      assert.deepEqual(codes, ['store_memory']);
      assert.equal(store, 'memory');
      assert.deepEqual(
        { accepted: ledger.accepted, delivered: ledger.delivered, stored: ledger.stored },
        { accepted: n + 1, delivered: n + 1, stored: 0 },
      );
      return 'waitUntil(flush()), requests at once, an endpoint that is down, a request that ends early';
    },
  },
];
