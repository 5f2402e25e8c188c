-- What the endpoint keeps. Every event is there once, by its id, however often it came.

CREATE TABLE IF NOT EXISTS batches (
  batch_id TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  client_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  attempts_seen INTEGER NOT NULL,
  last_attempt INTEGER NOT NULL,
  events INTEGER NOT NULL,
  exposures INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  compressed INTEGER NOT NULL,
  resource TEXT NOT NULL,
  dropped TEXT,
  sent_at TEXT NOT NULL,
  received_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS batches_client ON batches (client_id, seq);
CREATE INDEX IF NOT EXISTS batches_received ON batches (received_at);
CREATE TABLE IF NOT EXISTS events (
  event_id TEXT PRIMARY KEY,
  batch_id TEXT NOT NULL REFERENCES batches,
  service TEXT NOT NULL,
  event_name TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  user_id TEXT,
  core_metadata TEXT,
  user_metadata TEXT,
  event_metadata TEXT,
  received_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_name ON events (event_name);
CREATE TABLE IF NOT EXISTS exposures (
  event_id TEXT PRIMARY KEY,
  batch_id TEXT NOT NULL REFERENCES batches,
  service TEXT NOT NULL,
  experiment_id TEXT NOT NULL,
  variation_id INTEGER NOT NULL,
  timestamp TEXT NOT NULL,
  device_id TEXT,
  account_uuid TEXT,
  organization_uuid TEXT,
  session_id TEXT,
  user_attributes TEXT,
  experiment_metadata TEXT,
  environment TEXT,
  received_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS drop_reports (
  batch_id TEXT NOT NULL REFERENCES batches,
  reason TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (batch_id, reason)
);
CREATE TABLE IF NOT EXISTS invalid_batches (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  count INTEGER NOT NULL,
  path TEXT NOT NULL,
  message TEXT NOT NULL,
  received_at TEXT NOT NULL
);

-- Batches that a client numbered and that are not here (yet: it may still store them, and then they come).
DROP VIEW IF EXISTS gaps;
CREATE VIEW gaps AS
  SELECT client_id, service, before + 1 AS first_missing, seq - 1 AS last_missing, seq - before - 1 AS batches
  FROM (
    SELECT client_id, service, seq, lag(seq, 1, 0) OVER (PARTITION BY client_id, service ORDER BY seq) AS before
    FROM batches
  )
  WHERE batches > 0;

-- What clients had to drop, by their own count: each batch's report once.
CREATE VIEW IF NOT EXISTS drops AS
  SELECT service, client_id, reason, sum(drop_reports.events) AS events
  FROM drop_reports JOIN batches USING (batch_id)
  GROUP BY service, client_id, reason;
