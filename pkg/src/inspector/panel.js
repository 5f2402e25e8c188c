// The panel: a button in the corner of the page, and what it opens.
import { settings } from './configuration.js';
import { make, setText } from './dom.js';
import { LedgerView } from './ledger.js';
import { EventList } from './list.js';
import css from './panel.css';
import { shared } from './shared.js';

/** Between two looks, so that a loop that logs does not wait for the panel. */
const restMillis = 100;
/** What a clock changes is looked at so often. */
const tickMillis = 1_000;

const production = `This page runs the package's build for production, which traces no event: let your
  bundler take the condition "development".`;

/** @typedef {import('./trace.js').Trace} Trace */

export class Panel {
  #document;
  #host;
  #root;
  #ledger = new LedgerView();
  #list = new EventList();
  #settings = make('tbody');
  #notice = make('p', { class: 'notice' });
  /** @type {Trace | undefined} */
  #chosen;
  /** @type {Element | null} */
  #before = null;
  #waiting = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;
  #instances = make('select', {
    'aria-label': 'Instance',
    change: () => {
      this.#chosen = shared().traces[this.#instances.selectedIndex];
      this.#update();
    },
  });
  #launcher = make(
    'button',
    {
      ...{ type: 'button', class: 'launcher', 'aria-expanded': 'false', 'aria-controls': 'panel' },
      ...{ part: 'launcher', title: 'Alt+Shift+W', click: () => this.#toggle() },
    },
    make('span', { class: 'dot' }),
    'Inspector',
  );
  #tabs = ['Events', 'Configuration'].map((name, index) =>
    make(
      'button',
      {
        ...{ type: 'button', role: 'tab', id: `tab-${index}`, 'aria-controls': `page-${index}` },
        click: () => this.#select(index),
      },
      name,
    ),
  );
  #pages;
  #panel;
  #traced;

  constructor(/** @type {Document} */ document) {
    this.#document = document;
    const table = make(
      'table',
      {},
      make('caption', {}, 'Every setting in force, and where its value comes from'),
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          ...['Setting', 'Value', 'From'].map((name) => make('th', { scope: 'col' }, name)),
        ),
      ),
      this.#settings,
    );
    this.#pages = [this.#list.element, table].map((content, index) =>
      make(
        'div',
        {
          ...{ role: 'tabpanel', id: `page-${index}`, 'aria-labelledby': `tab-${index}` },
          ...{ class: 'page', tabindex: '0' },
        },
        content,
      ),
    );
    this.#traced = make(
      'div',
      { class: 'traced' },
      make(
        'div',
        {
          role: 'tablist',
          'aria-label': 'What to look at',
          keydown: (event) => this.#arrow(event),
        },
        ...this.#tabs,
      ),
      ...this.#pages,
    );
    this.#panel = make(
      'div',
      {
        role: 'dialog',
        id: 'panel',
        class: 'panel',
        'aria-label': 'Telemetry inspector',
        hidden: true,
      },
      make(
        'header',
        {},
        make('h2', {}, 'Telemetry inspector'),
        this.#instances,
        make(
          'button',
          { type: 'button', class: 'close', 'aria-label': 'Close', click: () => this.close() },
          make('span', { 'aria-hidden': 'true' }, '×'),
        ),
      ),
      this.#notice,
      this.#ledger.element,
      this.#traced,
    );
    this.#select(0);
    this.#host = document.createElement('wasm-telemetry-inspector');
    this.#root = this.#host.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.append(this.#launcher, this.#panel);
    // Beside the body: what a framework does with its children is its own.
    document.documentElement.append(this.#host);
    document.addEventListener('keydown', (event) => this.#key(event));
    this.#count();
  }

  open() {
    if (!this.#panel.hidden) return;
    this.#before = this.#document.activeElement;
    this.#panel.hidden = false;
    this.#launcher.setAttribute('aria-expanded', 'true');
    this.#launcher.hidden = true;
    this.#update();
    this.#ticking = setInterval(() => this.#update(), tickMillis);
    this.#list.search.focus();
  }

  close() {
    if (this.#panel.hidden) return;
    clearInterval(this.#ticking);
    this.#panel.hidden = true;
    this.#launcher.setAttribute('aria-expanded', 'false');
    this.#launcher.hidden = false;
    const { activeElement, body } = this.#document;
    if (activeElement !== this.#host && activeElement !== body) return;
    const back = this.#before;
    if (back instanceof HTMLElement && back !== body && back !== this.#host) back.focus();
    else this.#launcher.focus();
  }

  changed() {
    if (this.#waiting) return;
    this.#waiting = true;
    setTimeout(() => {
      this.#waiting = false;
      this.#count();
      if (!this.#panel.hidden) this.#update();
    }, restMillis);
  }

  #toggle() {
    if (this.#panel.hidden) this.open();
    else this.close();
  }

  #key(/** @type {KeyboardEvent} */ event) {
    if (event.altKey && event.shiftKey && event.code === 'KeyW') {
      event.preventDefault();
      this.#toggle();
    } else if (event.key === 'Escape' && this.#document.activeElement === this.#host) {
      this.close();
    }
  }

  #arrow(/** @type {KeyboardEvent} */ { key }) {
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return;
    const index = this.#tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
    const next = (index + 1) % this.#tabs.length;
    this.#select(next);
    this.#tabs[next].focus();
  }

  #select(/** @type {number} */ chosen) {
    for (const [index, tab] of this.#tabs.entries()) {
      tab.setAttribute('aria-selected', String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
      this.#pages[index].hidden = index !== chosen;
    }
  }

  /** The launcher tells, without being opened, that something was lost. */
  #count() {
    const dropped = shared().traces.some(
      ({ stats }) => Object.keys(stats.ledger.dropped).length > 0,
    );
    this.#launcher.classList.toggle('lost', dropped);
  }

  #update() {
    const { traces } = shared();
    if (!this.#chosen || this.#chosen.failed || !traces.includes(this.#chosen)) {
      // An instance that only logs what an earlier page left is shut down soon.
      const lives = (/** @type {Trace} */ { stats, failed }) =>
        stats.state !== 'shut-down' && !failed;
      this.#chosen = traces.find(lives) ?? traces[0];
    }
    const options = traces.map(({ options: { serviceName } }, index) => {
      const before = traces
        .slice(0, index)
        .filter(({ options }) => options.serviceName === serviceName);
      return before.length > 0 ? `${serviceName} (${before.length + 1})` : serviceName;
    });
    const known = Array.from(this.#instances.options, ({ text }) => text);
    if (options.join('\n') !== known.join('\n')) {
      this.#instances.replaceChildren(...options.map((name) => make('option', {}, name)));
    }
    this.#instances.hidden = traces.length === 0;
    if (this.#chosen) this.#instances.selectedIndex = traces.indexOf(this.#chosen);
    const stats = this.#chosen?.stats ?? defaultStats();
    setText(this.#notice, this.#chosen ? '' : stats ? production : 'There is no instance yet.');
    this.#ledger.element.hidden = !stats;
    this.#traced.hidden = !this.#chosen;
    if (stats) this.#ledger.update(stats);
    this.#list.update(this.#chosen);
    const rows = this.#chosen ? settings(this.#chosen) : [];
    this.#settings.replaceChildren(
      ...rows.map(({ name, value, from }) =>
        make(
          'tr',
          {},
          make('th', { scope: 'row' }, name),
          make('td', {}, value),
          make('td', { class: from === 'default' ? 'from default' : 'from' }, from),
        ),
      ),
    );
  }
}

/** Of the instance that `init` made, where nothing is traced. */
function defaultStats() {
  const slot = /** @type {any} */ (globalThis)[Symbol.for('wasm-telemetry.default')];
  return slot?.telemetry?.stats();
}
