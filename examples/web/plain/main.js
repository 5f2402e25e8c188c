import { logEvent, verified } from 'wasm-telemetry';
import './telemetry.js';

logEvent('page_viewed', { route: verified('/basket/:id'), narrow: innerWidth < 600 });

document.querySelector('#buy').addEventListener('click', () => {
  logEvent('checkout_started', { items: 3, total: 149.9, currency: verified('EUR') });
});

document.querySelector('#broken').addEventListener('click', () => {
  null.price;
});
