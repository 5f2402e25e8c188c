// Three engines by their WebDrivers: pages, workers, tabs, and what remains when they go away.
import { engineNames } from '../../../support/webdriver.mjs';
import { visits } from '../../support/visits.mjs';
import { crate } from './crate.mjs';
import { pages } from './pages.mjs';
import { workers } from './workers.mjs';

export const environments = engineNames.flatMap((engine) => [
  visits(engine, 'pages', pages, {
    remark: 'first line, IndexedDB, leaving, closing, coming back, two tabs',
  }),
  visits(engine, 'workers', workers),
  crate(engine),
]);
