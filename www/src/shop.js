import { verified } from 'wasm-telemetry';
import { byId, el } from './dom.js';
import { log } from './telemetry.js';

const TEAS = [
  { name: 'Morning Assam', note: 'malt, brisk', cents: 640, look: 'assam' },
  { name: 'Jasmine Pearls', note: 'floral, light', cents: 980, look: 'jasmine' },
  { name: 'Smoked Souchong', note: 'pine, dark', cents: 820, look: 'souchong' },
  { name: 'Iron Goddess', note: 'orchid, long', cents: 1_120, look: 'oolong' },
];
const VIEWS = ['shelf', 'tea', 'basket', 'thanks'];

/** A shop of three shelves' depth: each view has an address, so that back and reload work. */
export function startShop() {
  const root = byId('shop');
  const basket = new Map();
  let experiment;

  function show({ focus = false } = {}) {
    const { view, tea } = address();
    root.replaceChildren(header(view), ...body(view, tea), footer(view));
    if (focus) root.querySelector('h3').focus();
    log('view_shown', {
      view: verified(view),
      index: VIEWS.indexOf(view),
      in_basket: count(),
      back_button: view !== 'shelf',
    });
  }

  function go(view, tea) {
    const url = new URL(location.href);
    url.searchParams.set('view', view);
    if (tea === undefined) url.searchParams.delete('tea');
    else url.searchParams.set('tea', tea);
    history.pushState(null, '', url);
    show({ focus: true });
  }

  function header(view) {
    const title = { shelf: 'Kettle & Tide', basket: 'Your basket', thanks: 'Thank you' }[view];
    const back = button('‹ Shelf', 'back', () => go('shelf'));
    back.hidden = view === 'shelf';
    return el('div', { class: 'bar' }, back, el('h3', { tabindex: '-1' }, title ?? 'Tea'));
  }

  function body(view, tea) {
    if (view === 'tea') return [detail(TEAS[tea], tea)];
    if (view === 'basket') return [lines()];
    if (view === 'thanks')
      return [el('p', { class: 'empty' }, 'Your tea is on its way. Not really.')];
    return [el('ul', { class: 'shelf' }, ...TEAS.map(tile))];
  }

  function tile(tea, index) {
    const open = button('', 'tile', () => go('tea', index));
    open.append(tin(tea), el('b', {}, tea.name), el('span', {}, price(tea.cents)));
    return el('li', {}, open);
  }

  function detail(tea, index) {
    const add = button('Add to basket', 'strong', () => {
      basket.set(index, (basket.get(index) ?? 0) + 1);
      log('item_added', { item: index, cents: tea.cents, quantity: basket.get(index) });
      show();
    });
    const text = el('p', {}, `${tea.note} · ${price(tea.cents)}`);
    return el(
      'div',
      { class: 'detail' },
      tin(tea),
      el('div', {}, el('b', {}, tea.name), text, add),
    );
  }

  function lines() {
    if (basket.size === 0) return el('p', { class: 'empty' }, 'There is nothing in it yet.');
    const rows = [...basket].map(([index, quantity]) =>
      el(
        'li',
        {},
        el('span', {}, `${quantity} × ${TEAS[index].name}`),
        el('span', {}, price(quantity * TEAS[index].cents)),
      ),
    );
    return el('ul', { class: 'lines' }, ...rows);
  }

  function footer(view) {
    const open = button(`Basket ${count()}`, '', () => go('basket'));
    open.disabled = view === 'basket';
    const parts = [open];
    if (experiment) parts.push(checkout());
    return el('div', { class: 'till' }, ...parts);
  }

  /** The experiment: three looks of the same button. */
  function checkout() {
    const variation = experiment.variation();
    const labels = { plain: 'Check out', solid: 'Buy now', total: `Pay ${price(total())}` };
    return button(labels[variation], `checkout ${variation}`, () => {
      log('checkout_started', { items: count(), cents: total(), empty: count() === 0 });
      basket.clear();
      go('thanks');
    });
  }

  const count = () => [...basket.values()].reduce((sum, quantity) => sum + quantity, 0);
  const total = () => [...basket].reduce((sum, [i, quantity]) => sum + quantity * TEAS[i].cents, 0);

  addEventListener('popstate', () => show());
  show();

  return {
    showExperiment(running) {
      experiment = running;
      root.lastChild.replaceWith(footer(address().view));
    },
  };
}

function address() {
  const query = new URLSearchParams(location.search);
  const tea = Number(query.get('tea'));
  const view = VIEWS.includes(query.get('view')) ? query.get('view') : 'shelf';
  return view === 'tea' && !Object.hasOwn(TEAS, tea) ? { view: 'shelf' } : { view, tea };
}

function button(label, look, onClick) {
  const element = el('button', { type: 'button', class: look }, label);
  element.addEventListener('click', onClick);
  return element;
}

function tin({ look }) {
  const picture = el('span', { class: `tin ${look}`, 'aria-hidden': 'true' });
  picture.append(el('i'), el('i'));
  return picture;
}

function price(cents) {
  return `€ ${(cents / 100).toFixed(2)}`;
}
