import { GrowthBook } from '@growthbook/growthbook';
import { init, logEvent, logExperiment, verified } from 'wasm-telemetry';
import { features } from './experiment.js';

const id = localStorage.getItem('visitor') ?? crypto.randomUUID();
localStorage.setItem('visitor', id);
init({ serviceName: 'shop', user: { deviceId: id } });

if (location.pathname === '/') {
  const growthbook = new GrowthBook({
    attributes: { id },
    trackingCallback({ key }, { variationId }) {
      logExperiment({ experimentId: key, variationId });
    },
  });
  growthbook.initSync({ payload: { features } });
  // Reading the feature logs the exposure. Nothing needs to be awaited before the page is left.
  const landing = growthbook.getFeatureValue('landing', '/');
  if (landing === '/') show('/');
  else location.replace(landing);
} else {
  show('/new');
}

function show(route) {
  document.querySelector('#title').textContent = `This is ${route}`;
  logEvent('page_viewed', { route: verified(route) });
}
