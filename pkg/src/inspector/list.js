// The events, the newest first, each with its story behind it.
import { make, setText } from './dom.js';
import { explained, later } from './explain.js';

/** So many rows are shown. */
const mostRows = 200;

/** The fates to choose from; the last one is no fate. */
const choices = [
  ...['queued', 'batched', 'sending', 'stored', 'delivered', 'handed over', 'dropped'],
  ...['sampled out', 'not logged', 'refused', 'waiting', 'fields left out'],
];

/** @typedef {import('./trace.js').Trace} Trace */
/** @typedef {import('./trace.js').Traced} Traced */
/** @typedef {{ item: HTMLElement, head: HTMLButtonElement, badge: HTMLElement, mark: HTMLElement, name: HTMLElement, detail?: HTMLElement, told: string }} Row */

export class EventList {
  /** @type {Map<Traced, Row>} */
  #rows = new Map();
  /** @type {Trace | undefined} */
  #trace;
  #list = make('ol', { class: 'events', 'aria-label': 'Events, the newest first' });
  #empty = make('p', { class: 'empty' });
  search = make('input', {
    type: 'search',
    placeholder: 'Name or event id',
    'aria-label': 'Search by name or event id',
    autocomplete: 'off',
    spellcheck: 'false',
    input: () => this.update(this.#trace),
  });
  #filter = make(
    'select',
    { 'aria-label': 'Fate', change: () => this.update(this.#trace) },
    make('option', { value: '' }, 'any fate'),
    ...choices.map((fate) => make('option', {}, fate)),
  );
  element = make(
    'div',
    { class: 'list' },
    make('div', { class: 'search' }, this.search, this.#filter),
    this.#list,
    this.#empty,
  );

  update(/** @type {Trace | undefined} */ trace) {
    if (trace !== this.#trace) {
      this.#trace = trace;
      this.#rows.clear();
      this.#list.replaceChildren();
    }
    const all = trace?.events ?? [];
    const matching = all.filter((event) => this.#matches(event)).reverse();
    const shown = matching.slice(0, mostRows);
    const wanted = new Set(shown);
    for (const [event, { item }] of this.#rows) {
      if (!wanted.has(event)) {
        item.remove();
        this.#rows.delete(event);
      }
    }
    /** @type {Element | null} */
    let place = this.#list.firstElementChild;
    for (const event of shown) {
      const row = this.#rows.get(event) ?? this.#add(event);
      if (row.item === place) place = place.nextElementSibling;
      else this.#list.insertBefore(row.item, place);
      this.#refresh(event, row);
    }
    const more = matching.length - shown.length;
    setText(
      this.#empty,
      all.length === 0
        ? 'Nothing logged yet.'
        : shown.length === 0
          ? 'No event matches.'
          : more > 0
            ? `${more} more: search to find them.`
            : '',
    );
  }

  #matches(/** @type {Traced} */ { name, id = '', fate, leftOut }) {
    const text = this.search.value.trim().toLowerCase();
    const chosen = this.#filter.value;
    const fits = chosen === 'fields left out' ? leftOut > 0 : chosen === '' || chosen === fate;
    return fits && (name.toLowerCase().includes(text) || id.startsWith(text));
  }

  #add(/** @type {Traced} */ event) {
    const badge = make('span');
    const mark = make('span', { class: 'mark' });
    const time = new Date(event.at).toISOString().slice(11, 23);
    const name = make('span', { class: 'name' });
    const head = make(
      'button',
      { type: 'button', class: 'row', 'aria-expanded': 'false', click: () => this.#toggle(event) },
      make('span', { class: 'time' }, time),
      name,
      mark,
      badge,
    );
    const item = make('li', {}, head);
    /** @type {Row} */
    const row = { item, head, badge, mark, name, told: '' };
    this.#rows.set(event, row);
    return row;
  }

  #refresh(/** @type {Traced} */ event, /** @type {Row} */ row) {
    const { fate, reason, leftOut, name, kind } = event;
    setText(row.name, name || '(no name)');
    setText(
      row.mark,
      [kind === 'exposure' ? 'exposure' : '', leftOut > 0 ? `−${leftOut}` : ''].join(' ').trim(),
    );
    row.mark.title = leftOut > 0 ? `${leftOut} fields left out` : '';
    setText(row.badge, fate === 'dropped' && reason ? `dropped: ${reason}` : fate);
    row.badge.className = `badge ${fate.replace(/ /g, '-')}`;
    if (row.detail && row.told !== this.#state(event)) this.#tell(event, row);
  }

  #state(/** @type {Traced} */ { story, id, sent }) {
    return `${story.length} ${id} ${sent !== undefined}`;
  }

  #toggle(/** @type {Traced} */ event) {
    const row = this.#rows.get(event);
    if (!row) return;
    if (row.detail) {
      row.detail.remove();
      row.detail = undefined;
    } else {
      row.detail = make('div', {
        class: 'detail',
        role: 'region',
        'aria-label': `What became of ${event.name}`,
      });
      row.item.append(row.detail);
      this.#tell(event, row);
    }
    row.head.setAttribute('aria-expanded', String(row.detail !== undefined));
  }

  #tell(/** @type {Traced} */ event, /** @type {Row} */ row) {
    const trace = this.#trace;
    if (!trace || !row.detail) return;
    trace.read(event);
    const { eventId, batch, story, sent, at } = explained(trace, event);
    const fact = (/** @type {string} */ name, /** @type {string | undefined} */ value) =>
      value === undefined ? [] : [make('dt', {}, name), make('dd', {}, value)];
    row.told = this.#state(event);
    row.detail.replaceChildren(
      make(
        'ol',
        { class: 'story' },
        ...story.map(({ at: then, text }) =>
          make('li', {}, make('span', { class: 'time' }, later(then - at).trim()), ` ${text}`),
        ),
      ),
      make('dl', { class: 'facts' }, ...fact('event_id', eventId), ...fact('batch', batch?.id)),
      ...(sent === undefined
        ? []
        : [
            make(
              'pre',
              { tabindex: '0', role: 'group', 'aria-label': 'As it is sent' },
              JSON.stringify(sent, null, 2),
            ),
          ]),
    );
  }
}
