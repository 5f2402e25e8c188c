// The ledger as one looks at it: the equation, and what each part is of the whole.
import { make, setText } from './dom.js';

const parts = /** @type {const} */ ([
  ['delivered', 'delivered'],
  ['handedOver', 'handed over'],
  ['inFlight', 'in flight'],
  ['queued', 'queued'],
  ['stored', 'stored'],
  ['dropped', 'dropped'],
]);

export class LedgerView {
  #accepted = make('strong', { class: 'number' });
  #balance = make('span', { class: 'balance' });
  #bar = make('div', { class: 'bar', role: 'img' });
  #notes = make('ul', { class: 'notes' });
  /** @type {Map<string, { segment: HTMLElement, count: HTMLElement }>} */
  #parts = new Map();
  element;

  constructor() {
    const list = make('dl', { class: 'parts' });
    for (const [key, name] of parts) {
      const segment = make('span', { class: `part ${key}` });
      const count = make('dd');
      this.#bar.append(segment);
      list.append(make('div', { class: `part ${key}` }, make('dt', {}, name), count));
      this.#parts.set(key, { segment, count });
    }
    const head = make('p', { class: 'head' }, this.#accepted, ' accepted', this.#balance);
    this.element = make(
      'section',
      { class: 'ledger', 'aria-label': 'Ledger' },
      ...[head, this.#bar, list, this.#notes],
    );
  }

  update(/** @type {import('../../index.d.ts').Stats} */ { ledger, endpoint, store, state }) {
    const dropped = Object.values(ledger.dropped).reduce((total, count) => total + count, 0);
    let whole = 0;
    const words = [];
    for (const [key, name] of parts) {
      const count = key === 'dropped' ? dropped : ledger[key];
      whole += count;
      const part = this.#parts.get(key);
      if (!part) continue;
      setText(part.count, count.toLocaleString('en'));
      part.count.parentElement?.classList.toggle('none', count === 0);
      part.segment.style.flexGrow = String(count);
      if (count > 0) words.push(`${count} ${name}`);
    }
    const balances = whole === ledger.accepted;
    setText(this.#accepted, ledger.accepted.toLocaleString('en'));
    setText(this.#balance, balances ? 'balances' : `does not balance: ${whole} found`);
    this.#balance.classList.toggle('wrong', !balances);
    this.#bar.setAttribute('aria-label', `${ledger.accepted} accepted: ${words.join(', ')}`);
    this.#note([
      Object.entries(ledger.dropped).map(([reason, count]) => `dropped, ${reason}: ${count}`),
      ledger.sampledOut > 0 ? [`sampled out: ${ledger.sampledOut}`] : [],
      ledger.suppressed > 0 ? [`not logged: ${ledger.suppressed}`] : [],
      ledger.fieldsLeftOut > 0 ? [`fields left out: ${ledger.fieldsLeftOut}`] : [],
      state === 'running' ? [] : [`state: ${state}`],
      [this.#endpoint(endpoint)],
      [`store: ${store.kind}${store.batches > 0 ? `, batches: ${store.batches}` : ''}`],
    ]);
  }

  #endpoint(/** @type {import('../../index.d.ts').Stats['endpoint']} */ endpoint) {
    const { url, online, failures, retryAt } = endpoint;
    if (!url) return 'no endpoint yet';
    const seconds = retryAt === undefined ? 0 : Math.max(retryAt - Date.now(), 0) / 1_000;
    const retry = seconds > 0 ? `, next try in ${seconds.toFixed(1)} s` : '';
    const health = failures > 0 ? `, failures in a row: ${failures}${retry}` : '';
    return `${url}${online ? '' : ', offline'}${health}`;
  }

  #note(/** @type {string[][]} */ notes) {
    const texts = notes.flat();
    while (this.#notes.children.length > texts.length) this.#notes.lastChild?.remove();
    for (const [index, text] of texts.entries()) {
      const item = this.#notes.children[index] ?? this.#notes.appendChild(make('li'));
      setText(item, text);
    }
  }
}
