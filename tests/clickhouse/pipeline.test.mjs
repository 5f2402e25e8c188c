// What docs/pipeline.md says, done: the package → a collector → ClickHouse's engine → the answers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { toolsBin } from '../../tools/env.mjs';
import { folder, open, root } from '../support/package.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

/** The page's SQL, block by block. */
const [database, tables, checkouts, gaps, drops] = [
  ...readFileSync(join(root, 'docs', 'pipeline.md'), 'utf8').matchAll(/^```sql\n(.*?)^```$/gms),
].map(([, sql]) => sql);

/** @returns {Promise<{ url: string, query: (sql: string) => Promise<unknown[][]> }>} */
async function startClickHouse(/** @type {import('node:test').TestContext} */ t) {
  const tools = dirname(toolsBin);
  const engine = readdirSync(tools).find((name) => name.startsWith('chdb-core-'));
  if (!engine) throw new Error('ClickHouse’s engine is missing: run `tools/setup.sh clickhouse`');
  const child = spawn('python3', [join(root, 'tests', 'clickhouse', 'server.py'), folder(t)], {
    env: { ...process.env, PYTHONPATH: join(tools, engine), PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  let url = '';
  for await (const port of createInterface({ input: child.stdout })) {
    url = `http://127.0.0.1:${port}`;
    break;
  }
  const query = async (/** @type {string} */ sql) => {
    const response = await fetch(url, { method: 'POST', body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(`${text}\n${sql}`);
    return text ? JSON.parse(text).data : [];
  };
  return { url, query };
}

test('how many checkouts per variation, with copies, a gap and drops', async (t) => {
  const clickhouse = await startClickHouse(t);
  for (const statement of `${database}${tables}`.split(/;\n/).filter((sql) => sql.trim())) {
    await clickhouse.query(statement);
  }
  // Copies stay apart, so that it is the query that must leave them out.
  await clickhouse.query('SYSTEM STOP MERGES otel.events');
  const receiver = await startReceiver(t, [
    ...['--exporter', 'clickhouse', '--clickhouse-exporter-endpoint', clickhouse.url],
    ...['--clickhouse-exporter-database', 'otel', '--clickhouse-exporter-compression', 'none'],
  ]);
  /** The way to the collector: well, or every other answer is lost, or requests are refused. */
  let way = 'well';
  let requests = 0;
  const server = await startServer(t, async (request) => {
    if (way === 'refusing') return { status: 400 };
    const answer = await receiver.relay(request);
    requests += 1;
    return way === 'lossy' && requests % 2 === 0 ? { status: 0 } : answer;
  });
  const { telemetry } = open(t, server.url, { format: 'otlp-protobuf', serviceName: 'shop' });

  const expected = [0, 1, 2].map((variation) => ({ variation, sessions: 0, converted: 0, sum: 0 }));
  for (let session = 0; session < 60; session += 1) {
    const variationId = session % 3;
    telemetry.setUser({ sessionId: `s${session}`, userId: `u${session}` });
    // Before the exposure: it is not the variation's doing.
    if (session % 4 === 0) telemetry.logEvent('checkout', { items: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2));
    telemetry.logExperiment({ experimentId: 'checkout-button', variationId });
    telemetry.logExperiment({ experimentId: 'other', variationId: 7 });
    const count = (session * 7) % (variationId + 2);
    for (let n = 0; n < count; n += 1) telemetry.logEvent('checkout', { items: n });
    const row = expected[variationId];
    row.sessions += 1;
    row.converted += count > 0 ? 1 : 0;
    row.sum += count;
    if (session % 20 === 19) await telemetry.flush();
    if (session === 19) way = 'lossy';
  }
  way = 'well';
  const { accepted } = telemetry.stats().ledger;
  await until(() => telemetry.stats().ledger.delivered === accepted);
  way = 'refusing';
  for (let n = 0; n < 2; n += 1) telemetry.logEvent('refused');
  await telemetry.flush();
  way = 'well';
  telemetry.logEvent('last');
  await telemetry.flush();
  const { ledger } = telemetry.stats();
  assert.deepEqual(ledger.dropped, { rejected: 2 });

  const count = async (/** @type {string} */ sql) => Number((await clickhouse.query(sql))[0][0]);
  await until(
    async () => (await count('SELECT count() FROM otel.events FINAL')) === ledger.delivered,
  );
  const copies = await count(
    `SELECT count() - uniqExact(LogAttributes['event_id']) FROM otel.otel_logs WHERE Body = 'checkout'`,
  );
  assert.ok(copies > 0, 'no checkout came twice');
  assert.deepEqual(
    (await clickhouse.query(checkouts)).map((row) => row.map(Number)),
    expected.map(({ variation, sessions, converted, sum }) => [
      variation,
      sessions,
      converted,
      sum,
    ]),
  );
  const [[, arrived, missing], ...others] = await clickhouse.query(gaps);
  assert.deepEqual([Number(missing), others], [1, []]);
  assert.deepEqual(await clickhouse.query(drops), [['rejected', 2]]);
  t.diagnostic(`${ledger.delivered} events in ${arrived} batches; ${copies} checkouts came twice`);
});
