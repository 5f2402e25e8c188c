import { init, logEvent } from 'wasm-telemetry';
import { growthbook, start } from './growthbook.js';
import { visitor } from './visitor.js';

// What remote configuration is to steer is not set here: init's word would win.
init({ serviceName: 'shop', serviceVersion: '1.4.0', user: { deviceId: visitor() } });

const [notice, look, buy] = ['notice', 'look', 'buy'].map((id) => document.getElementById(id));
look.addEventListener('click', () => logEvent('looked'));
buy.addEventListener('click', () => logEvent('bought', { items: 1 }));

start(() => {
  notice.textContent = growthbook.getFeatureValue('notice', '');
  buy.textContent = growthbook.getFeatureValue('buy-button', 'Buy');
});
