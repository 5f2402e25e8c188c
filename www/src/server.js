import { collector } from './collector.js';
import { byId, el, number } from './dom.js';
import { telemetry } from './telemetry.js';

const SERVICE = 'demo-shop';
const SHOWN_BATCHES = 8;

/** The server's own count beside the page's; the difference is what is still under way. */
export function createServerPanel(baseline) {
  let lastBatches = '';

  return async (state) => {
    const first = await baseline;
    const { ledger } = telemetry.stats();
    const since = (name) => ofService(state)[name] - ofService(first)[name];
    byId('compare').replaceChildren(
      row('Events and exposures', ledger.delivered, since('events') + since('exposures')),
      row('Duplicates, thrown away', '', since('duplicates')),
      row('Batches missing from a sequence', '', state.missingBatches - first.missingBatches),
      row('Drops reported', dropped(ledger), reported(state) - reported(first)),
      row('Batches refused as invalid', '', state.invalidBatches - first.invalidBatches),
    );
    const batches = await collector.batches(SHOWN_BATCHES);
    const text = JSON.stringify(batches);
    if (text === lastBatches) return;
    lastBatches = text;
    byId('batches').replaceChildren(...batches.map(batchRow));
  };
}

function batchRow(batch) {
  const time = new Date(batch.received_at).toLocaleTimeString([], { hour12: false });
  const numbers = [
    batch.seq,
    batch.events + batch.exposures,
    batch.last_attempt,
    batch.duplicates,
    batch.bytes,
  ];
  return el(
    'tr',
    {},
    el('td', {}, time),
    el('td', {}, batch.service, ' ', el('code', {}, batch.client_id.slice(0, 4))),
    ...numbers.map((value) => el('td', { class: 'number' }, number(value))),
  );
}

function row(label, page, server) {
  const same = page === '' || page === server;
  return el(
    'tr',
    { class: same ? '' : 'differs' },
    el('th', { scope: 'row' }, label),
    el('td', { class: 'number' }, page === '' ? '' : number(page)),
    el('td', { class: 'number' }, number(server)),
  );
}

function ofService(state) {
  const found = state.services.find((row) => row.service === SERVICE);
  return found ?? { events: 0, exposures: 0, duplicates: 0 };
}

function reported(state) {
  return Object.values(state.dropReports).reduce((sum, count) => sum + count, 0);
}

function dropped(ledger) {
  return Object.values(ledger.dropped).reduce((sum, count) => sum + count, 0);
}
