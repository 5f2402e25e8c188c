// Three engines by their WebDrivers: pages, workers, tabs, and what remains when they go away.
import { pages } from './pages.mjs';
import { conformance } from './store.mjs';
import { visits } from './visits.mjs';
import { workers } from './workers.mjs';

const names = /** @type {const} */ ({ chromium: 'Chromium', firefox: 'Firefox', webkit: 'WebKit' });

export const environments = Object.entries(names).flatMap(([engine, name]) => [
  visits(engine, `${name}, pages and tabs`, pages),
  visits(engine, `${name}, workers`, workers),
  conformance(engine, `${name}, the store's conformance suite`),
]);
