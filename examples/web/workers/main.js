import { init, logEvent } from 'wasm-telemetry';

init({ serviceName: 'primes', context: { thread: 'page' } });
logEvent('page_viewed');

navigator.serviceWorker.register('/service-worker.js', { type: 'module' });

const worker = new Worker('/worker.js', { type: 'module' });
const answer = document.querySelector('#answer');
worker.addEventListener('message', ({ data }) => {
  answer.textContent = data;
});
document.querySelector('#count').addEventListener('click', () => worker.postMessage(10_000));
// Asked to end, not terminated: what it holds in memory would end with it.
document.querySelector('#end').addEventListener('click', () => worker.postMessage('end'));
