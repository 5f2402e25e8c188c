import { byId, el, number, setText } from './dom.js';
import { said } from './telemetry.js';

const STATIONS = ['queued', 'inFlight', 'stored', 'delivered'];
const TERMS = [
  ['accepted', 'accepted'],
  ['delivered', 'delivered'],
  ['handedOver', 'handed over'],
  ['queued', 'queued'],
  ['inFlight', 'in flight'],
  ['stored', 'stored'],
  ['dropped', 'dropped'],
];
const STORES = {
  indexeddb: 'in IndexedDB',
  memory: 'in memory only',
  none: 'no store here',
  host: 'in the host’s store',
  files: 'in files',
};

/** The numbers: four stations, the ledger as an equation, and what stands beside it. */
export function createBoard() {
  const equation = byId('equation');
  const shown = {};
  TERMS.forEach(([name, label], index) => {
    shown[name] = el('output', {});
    const term = el('span', { class: `term ${name}` }, shown[name], el('small', {}, label));
    const sign = index === 0 ? '' : index === 1 ? '=' : '+';
    const part = sign ? [el('span', { class: 'sign' }, sign), term] : [term];
    equation.append(el('span', { class: 'part' }, ...part));
  });

  return (stats) => {
    const { ledger } = stats;
    const values = { ...ledger, dropped: droppedOf(ledger) };
    const waiting = { ...ledger, stored: stored(stats) };
    for (const name of STATIONS) setText(byId(name), number(waiting[name]));
    for (const [name] of TERMS) setText(shown[name], number(values[name]));
    const off = imbalance(ledger);
    setText(byId('verdict'), off === 0 ? '✓ balanced' : `✗ off by ${number(off)}`);
    byId('verdict').className = off === 0 ? 'verdict good' : 'verdict bad';
    setText(byId('aside'), aside(ledger));
    setText(byId('store-note'), storeNote(stats));
    setText(byId('health'), health(stats));
    byId('health').dataset.mood = stats.endpoint.failures > 0 ? 'troubled' : stats.state;
    showSaid();
  };
}

/** What the ledger is short of; 0 when every event is accounted for. */
export function imbalance(ledger) {
  const { accepted, delivered, handedOver, queued, inFlight, stored } = ledger;
  return accepted - (delivered + handedOver + queued + inFlight + stored + droppedOf(ledger));
}

function droppedOf(ledger) {
  return Object.values(ledger.dropped).reduce((sum, count) => sum + count, 0);
}

function aside(ledger) {
  const reasons = Object.entries(ledger.dropped)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${number(count)} ${reason.replaceAll('_', ' ')}`);
  return [
    reasons.length > 0 ? `dropped: ${reasons.join(', ')}` : 'nothing dropped',
    `${number(ledger.sampledOut)} sampled out`,
    `${number(ledger.suppressed)} not logged (kill switch)`,
    `${number(ledger.fieldsLeftOut)} fields left out`,
  ].join('  ·  ');
}

/** Everything that waits on this device, an earlier visit's too, which no ledger of this page holds. */
export function stored({ ledger, store }) {
  return Math.max(ledger.stored, store.events);
}

function storeNote({ ledger, store }) {
  const { kind, batches, bytes } = store;
  if (batches === 0) return STORES[kind];
  const size = bytes < 10_240 ? `${number(bytes)} bytes` : `${number(bytes / 1_024)} KiB`;
  const others = store.events - ledger.stored;
  return [
    `${number(batches)} ${batches === 1 ? 'batch' : 'batches'}, ${size} ${STORES[kind]}`,
    ...(others > 0 ? [`${number(others)} from another visit`] : []),
  ].join(', ');
}

function health({ state, config, endpoint }) {
  if (state !== 'running') return { loading: 'Loading WebAssembly' }[state] ?? `Off: ${state}`;
  if (config.killed) return 'Kill switch is on';
  if (!endpoint.online) return 'Offline, waiting for the network';
  if (endpoint.failures === 0) return 'Running, the server answers';
  const tries = `${number(endpoint.failures)} failed in a row`;
  if (endpoint.retryAt === undefined) return `${tries}, trying`;
  const seconds = Math.max(0, Math.ceil((endpoint.retryAt - Date.now()) / 1_000));
  return `${tries}, next attempt in ${seconds} s`;
}

let saidShown = 0;
function showSaid() {
  if (said.length === 0 || said[0] === saidShown) return;
  saidShown = said[0];
  setText(byId('said-count'), String(said.length));
  byId('said').replaceChildren(
    ...said.map(({ code, message }) => el('li', {}, el('code', {}, code), ` ${message}`)),
  );
}
