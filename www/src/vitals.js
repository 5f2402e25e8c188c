import { verified } from 'wasm-telemetry';
import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';
import { byId, el } from './dom.js';
import { log } from './telemetry.js';

const REPORTERS = { TTFB: onTTFB, FCP: onFCP, LCP: onLCP, INP: onINP, CLS: onCLS };

export function startVitals() {
  const shown = {};
  for (const [name, report] of Object.entries(REPORTERS)) {
    shown[name] = el('dd', {}, '–');
    byId('vitals').append(el('div', {}, el('dt', {}, name), shown[name]));
    report((metric) => {
      log('web_vital', {
        metric: verified(metric.name),
        value: metric.value,
        delta: metric.delta,
        good: metric.rating === 'good',
      });
      shown[name].textContent = formatted(metric);
      shown[name].className = metric.rating;
    });
  }
}

function formatted({ name, value }) {
  return name === 'CLS' ? value.toFixed(3) : `${Math.round(value)} ms`;
}
