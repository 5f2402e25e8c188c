// docs/endpoint.md: its help is the program's, and its queries give what they say.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'libsql';
import { help } from '../../www/collector/config.mjs';
import { openDatabase } from '../../www/collector/database.mjs';
import { blocksOf } from '../docs/blocks.mjs';
import { folder } from '../support/package.mjs';
import { batch, event, exposure } from './support.mjs';

const blocks = (language) =>
  blocksOf('docs/endpoint.md')
    .filter((block) => block.language === language)
    .map(({ code }) => code);

const A = '11111111-2222-4333-8444-555555555555';
const B = '22222222-2222-4333-8444-555555555555';

test('the options are those of --help', () => {
  assert.deepEqual(blocks('text').slice(0, 1), [help()]);
});

test('the queries run as they stand', (t) => {
  const file = join(folder(t), 'telemetry.db');
  const database = openDatabase(file);
  const now = Date.now();
  const keep = (given) => {
    const sent_at = new Date(now).toISOString();
    database.ingest([{ body: batch({ sent_at, ...given }), bytes: 1, compressed: false }]);
  };
  const at = (second) => new Date(now + second * 1_000).toISOString();
  const shown = (session_id, variation_id) =>
    exposure({ session_id, variation_id, timestamp: at(0) });
  const bought = (session_id, second) =>
    event({ event_name: 'checkout', core_metadata: { session_id }, timestamp: at(second) });

  const first = { id: 'b'.repeat(36), client_id: A, dropped: { queue_full: 3 } };
  const events = [shown('s1', 0), bought('s1', 1), bought('s1', -1), event()];
  // The report is missing in the first copy, and counted once of the other two.
  keep({ ...first, seq: 1, dropped: undefined, events });
  for (const attempt of [2, 3]) keep({ ...first, seq: 1, attempt, events });
  keep({ client_id: A, seq: 5, events: [shown('s2', 1), bought('s2', 1), bought('s2', 2)] });
  keep({ client_id: A, seq: 9, dropped: { queue_full: 1, too_large: 2 } });
  // A late one closes a gap.
  keep({ client_id: A, seq: 8 });
  keep({ client_id: A, seq: 7 });
  keep({ client_id: A, seq: 6 });
  const slow = at(-3_600);
  keep({ client_id: B, seq: 4, sent_at: slow, events: [shown('s3', 1)] });
  database.close();

  const db = new Database(file);
  t.after(() => db.close());
  const answers = blocks('sql').map((sql) => db.prepare(sql).raw().all());
  assert.deepEqual(answers.slice(0, 5), [
    [
      ['item_added', 5],
      ['checkout', 4],
    ],
    [['shop', 2, 8]],
    [
      [A, 2, 4, 3],
      [B, 1, 3, 3],
    ],
    [
      ['shop', 'queue_full', 4, 1],
      ['shop', 'too_large', 2, 1],
    ],
    [
      [0, 1, 1],
      [1, 2, 2],
    ],
  ]);
  const [[client, seconds], ...others] = answers[5];
  assert.deepEqual([client, others], [B, []]);
  assert.ok(seconds >= 3_600 && seconds < 3_700);
});
