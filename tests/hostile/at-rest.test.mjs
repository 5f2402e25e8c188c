// What is stored belongs to one user, and stays in its folder.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, open } from '../support/package.mjs';
import { startReceiver } from './receiver.mjs';

const records = (directory) => fs.readdirSync(directory).filter((name) => name.endsWith('.batch'));

/** A folder with batches of an earlier process, one event each. */
async function withStored(t, count) {
  const directory = folder(t);
  const receiver = await startReceiver(t, () => ({ status: 503 }));
  const batch = { maxExportBatchSize: 1, scheduledDelayMillis: 3_600_000 };
  const { telemetry } = open(t, receiver.url, { directory, batch });
  for (let n = 0; n < count; n += 1) telemetry.logEvent('stored', { n });
  await telemetry.shutdown({ timeoutMillis: 100 });
  assert.equal(records(directory).length, count);
  return { directory, receiver };
}

test('a record that another user put there is not read', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can make files of another user');
  const { directory, receiver } = await withStored(t, 2);
  const [foreign] = records(directory);
  fs.chownSync(join(directory, foreign), 54_321, 54_321);
  receiver.answerWith(() => ({ status: 200 }));
  const { telemetry } = open(t, receiver.url, { directory });
  assert.equal((await telemetry.flush()).delivered, 1);
  assert.deepEqual(records(directory), [foreign]);
});

test('what is set aside follows no link', async (t) => {
  const { directory, receiver } = await withStored(t, 1);
  const elsewhere = folder(t);
  fs.symlinkSync(elsewhere, join(directory, 'aside'));
  fs.writeFileSync(join(directory, records(directory)[0]), 'garbled');
  receiver.answerWith(() => ({ status: 200 }));
  const { telemetry } = open(t, receiver.url, { directory });
  await telemetry.flush();
  assert.deepEqual(fs.readdirSync(elsewhere), []);
  assert.deepEqual(records(directory), []);
  assert.equal(telemetry.stats().ledger.dropped.corrupt, 1);
});
