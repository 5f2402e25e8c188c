// Killed in the middle of load, the endpoint has all that it answered with 200; with what clients send
// again, everything is there once.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'libsql';
import { bodies, EVENTS } from '../../benches/endpoint/bodies.mjs';
import { killedUnderLoad } from '../../benches/endpoint/kill.mjs';
import { startEndpoint } from '../support/endpoint.mjs';
import { folder, open, sum, Telemetry } from '../support/package.mjs';
import { until } from '../support/wait.mjs';

test('nothing that was answered with 200 is lost', async (t) => {
  const batches = 60;
  const requests = await bodies(Telemetry, { format: 'json', compression: 'none' }, batches);
  const { killed, lost, events } = await killedUnderLoad(t, folder(t), requests, 3);
  assert.deepEqual({ killed, lost, events }, { killed: 3, lost: 0, events: batches * EVENTS });
});

for (const format of /** @type {const} */ (['json', 'otlp-json', 'otlp-protobuf'])) {
  test(`${format}: the package and the endpoint together lose and double nothing`, async (t) => {
    const file = join(folder(t), 'telemetry.db');
    let endpoint = await startEndpoint(t, ['--db', file]);
    const { telemetry } = open(t, endpoint.address, { format, batch: { maxExportBatchSize: 10 } });
    let logged = 0;
    const log = () => {
      for (const end = logged + 200; logged < end; logged += 1) telemetry.logEvent('n', { logged });
    };
    log();
    await until(() => telemetry.stats().ledger.delivered > 0);
    await endpoint.stop('SIGKILL');
    log();
    await until(() => telemetry.stats().ledger.stored > 0);
    endpoint = await startEndpoint(t, ['--db', file, '--port', endpoint.port]);
    log();
    await until(() => telemetry.stats().ledger.delivered === logged);
    assert.equal(sum(telemetry.stats().ledger), logged);
    await endpoint.stop('SIGTERM');
    const db = new Database(file);
    const [row] = db
      .prepare("SELECT count(*), count(DISTINCT event_metadata ->> 'logged') FROM events")
      .raw()
      .all();
    assert.deepEqual(row, [logged, logged]);
    assert.deepEqual(db.prepare('SELECT * FROM gaps').raw().all(), []);
    db.close();
  });
}
