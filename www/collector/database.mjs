import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'libsql';

const SCHEMA = readFileSync(new URL('schema.sql', import.meta.url), 'utf8');

/** Opens the endpoint's database, and makes it if it is not there. */
export function openDatabase(file) {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  // Each commit reaches the disk: what was answered with 200 outlives a power cut, too.
  db.pragma('synchronous = FULL');
  // Nothing else is done here while it waits for another writer.
  db.pragma('busy_timeout = 1000');
  // At once, so that it waits: a read that turns into a write does not.
  db.transaction(() => db.exec(SCHEMA)).immediate();
  return {
    file: path.resolve(file),
    ingest: ingester(db),
    countInvalid: invalidCounter(db),
    ...reader(db),
    close: () => db.close(),
  };
}

/** One transaction for all that is given: either all of it is there afterwards or none. */
function ingester(db) {
  const seen = db.prepare('SELECT 1 FROM batches WHERE batch_id = ?');
  const addBatch = db.prepare(
    `INSERT INTO batches VALUES (?, ?, ?, ?, 1, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?)`,
  );
  const addReport = db.prepare(
    // A copy of a batch that was made before its report comes without it.
    `INSERT INTO drop_reports VALUES (?, ?, ?)
     ON CONFLICT (batch_id, reason) DO UPDATE SET events = max(events, excluded.events)`,
  );
  const repeat = db.prepare(
    `UPDATE batches SET attempts_seen = attempts_seen + 1, last_attempt = max(last_attempt, ?),
       dropped = coalesce(dropped, ?)
     WHERE batch_id = ?`,
  );
  const addEvent = db.prepare('INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const addExposure = db.prepare(
    'INSERT OR IGNORE INTO exposures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const count = db.prepare(
    `UPDATE batches SET events = events + ?, exposures = exposures + ?, duplicates = duplicates + ?
     WHERE batch_id = ?`,
  );

  return db.transaction((arrivals) => {
    const now = new Date().toISOString();
    for (const arrival of arrivals) ingest(arrival, now);
  }).immediate;

  function ingest({ body, bytes, compressed }, now) {
    const service = String(body.resource['service.name']);
    const { id, client_id, seq, attempt, sent_at, dropped } = body.batch;

    if (seen.all([id]).length > 0) {
      repeat.run([attempt, json(dropped), id]);
    } else {
      addBatch.run([
        id,
        service,
        client_id,
        seq,
        attempt,
        bytes,
        compressed ? 1 : 0,
        JSON.stringify(body.resource),
        json(dropped),
        sent_at,
        now,
      ]);
    }
    for (const [reason, events] of Object.entries(dropped ?? {})) {
      addReport.run([id, reason, events]);
    }

    const total = { events: 0, exposures: 0, duplicates: 0 };
    for (const event of body.events) {
      const exposure = event.event_type !== undefined;
      const { changes } = exposure
        ? addExposure.run([
            event.event_id,
            id,
            service,
            event.experiment_id,
            event.variation_id,
            event.timestamp,
            event.device_id ?? null,
            event.account_uuid ?? null,
            event.organization_uuid ?? null,
            event.session_id ?? null,
            event.user_attributes ?? null,
            event.experiment_metadata ?? null,
            event.environment ?? null,
            now,
          ])
        : addEvent.run([
            event.event_id,
            id,
            service,
            event.event_name,
            event.timestamp,
            event.user_id ?? null,
            json(event.core_metadata),
            json(event.user_metadata),
            json(event.event_metadata),
            now,
          ]);
      if (changes === 0) total.duplicates += 1;
      else if (exposure) total.exposures += 1;
      else total.events += 1;
    }
    count.run([total.events, total.exposures, total.duplicates, id]);
  }
}

function invalidCounter(db) {
  const add = db.prepare(
    `INSERT INTO invalid_batches VALUES (1, 1, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET count = count + 1, path = excluded.path,
       message = excluded.message, received_at = excluded.received_at`,
  );
  return (where, message) => {
    add.run([where, message, new Date().toISOString()]);
  };
}

function reader(db) {
  const services = db.prepare(
    `SELECT service, sum(events) AS events, sum(exposures) AS exposures,
       sum(duplicates) AS duplicates, count(*) AS batches
     FROM batches GROUP BY service ORDER BY service`,
  );
  // A batch that was numbered but is not here yet may still be stored at its client.
  const clients = db.prepare(
    `SELECT client_id, service, min(seq) AS first_seq, max(seq) AS last_seq,
       max(seq) - count(DISTINCT seq) AS missing, max(received_at) AS last_seen
     FROM batches GROUP BY client_id, service ORDER BY last_seen DESC`,
  );
  const drops = db.prepare(
    'SELECT reason, sum(events) AS events FROM drop_reports GROUP BY reason ORDER BY reason',
  );
  const invalid = db.prepare('SELECT count, path, message, received_at FROM invalid_batches');
  const lastBatches = db.prepare(
    `SELECT batch_id, service, client_id, seq, attempts_seen, last_attempt, events, exposures,
       duplicates, bytes, compressed, dropped, sent_at, received_at
     FROM batches ORDER BY received_at DESC, seq DESC LIMIT ?`,
  );
  const lastEvents = db.prepare(
    'SELECT * FROM events ORDER BY received_at DESC, rowid DESC LIMIT ?',
  );

  return {
    state() {
      const perService = services.all();
      const perClient = clients.all();
      const [bad] = invalid.all();
      const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);
      return {
        events: sum(perService, 'events'),
        exposures: sum(perService, 'exposures'),
        duplicates: sum(perService, 'duplicates'),
        batches: sum(perService, 'batches'),
        missingBatches: sum(perClient, 'missing'),
        dropReports: Object.fromEntries(drops.all().map((row) => [row.reason, row.events])),
        invalidBatches: bad?.count ?? 0,
        lastInvalid: bad && { path: bad.path, message: bad.message, receivedAt: bad.received_at },
        services: perService,
        clients: perClient.slice(0, 50),
      };
    },
    batches: (limit) =>
      lastBatches.all([limit]).map((row) => ({ ...row, dropped: parsed(row.dropped) })),
    events: (limit) =>
      lastEvents.all([limit]).map((row) => ({
        ...row,
        core_metadata: parsed(row.core_metadata),
        user_metadata: parsed(row.user_metadata),
        event_metadata: parsed(row.event_metadata),
      })),
  };
}

function json(value) {
  return value === undefined ? null : JSON.stringify(value);
}

function parsed(text) {
  return text === null ? null : JSON.parse(text);
}
