import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase } from '../../www/collector/database.mjs';
import { createDemo } from '../../www/collector/demo/server.mjs';

/** A collector on a free port with a database of its own; both go when the test ends. */
export async function startCollector(t, options = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'collector-'));
  const database = openDatabase(path.join(folder, 'telemetry.db'));
  const collector = createDemo({ database, ...options });
  const address = await collector.listen(0);
  t.after(async () => {
    await collector.close();
    database.close();
    rmSync(folder, { recursive: true });
  });
  const json = (method) => async (route, value) => {
    const response = await fetch(address + route, {
      method,
      headers: value === undefined ? {} : { 'Content-Type': 'application/json' },
      body: value === undefined ? undefined : JSON.stringify(value),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    address,
    database,
    get: json('GET'),
    put: json('PUT'),
    post: json('POST'),
    send: (batch) => json('POST')('/api/event_logging/batch', batch),
    state: async () => (await json('GET')('/api/state')).body,
  };
}

export function event(patch = {}) {
  return {
    event_name: 'item_added',
    event_id: randomUUID(),
    timestamp: '2026-01-02T03:04:05.678Z',
    event_metadata: { items: 3, express: true },
    ...patch,
  };
}

export function exposure(patch = {}) {
  return {
    event_type: 'GrowthbookExperimentEvent',
    event_id: randomUUID(),
    timestamp: '2026-01-02T03:04:05.678Z',
    experiment_id: 'checkout-button',
    variation_id: 1,
    ...patch,
  };
}

export function batch({ events = [event()], resource = { 'service.name': 'shop' }, ...head } = {}) {
  return {
    resource,
    batch: {
      id: randomUUID(),
      client_id: '11111111-2222-4333-8444-555555555555',
      seq: 1,
      attempt: 1,
      sent_at: '2026-01-02T03:04:15.002Z',
      ...head,
    },
    events,
  };
}
