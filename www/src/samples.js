import { byId, el, number } from './dom.js';

const STEP_SECONDS = 5;
const ROWS = 12;

/** The chart's numbers as a table, written when somebody opens it: it stands still while it is read. */
export function createSamples(samples) {
  byId('samples').addEventListener('toggle', ({ target }) => {
    if (target.open) byId('samples-rows').replaceChildren(...spaced(samples()).map(row));
  });
}

function spaced(samples) {
  const rows = [];
  for (const sample of samples.toReversed()) {
    if (rows.length === ROWS) break;
    if (rows.length === 0 || rows.at(-1).time - sample.time >= STEP_SECONDS) rows.push(sample);
  }
  return rows;
}

function row({ time, queued, inFlight, stored, rate, mode }) {
  const ago = time === 0 ? 'now' : `${Math.round(-time)} s ago`;
  const cells = [queued, inFlight, stored, rate].map((value) =>
    el('td', { class: 'number' }, number(value)),
  );
  return el('tr', {}, el('th', { scope: 'row' }, ago), ...cells, el('td', {}, mode));
}
