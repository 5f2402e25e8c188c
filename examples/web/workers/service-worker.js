import { flush, init, logEvent } from 'wasm-telemetry';

init({ serviceName: 'primes', context: { thread: 'service-worker' }, durability: 'write-ahead' });

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  if (event.request.mode !== 'navigate') return;
  event.respondWith(page(event));
});

async function page(event) {
  const response = await fetch(event.request).catch(() => undefined);
  logEvent('page_served', { offline: response === undefined, status: response?.status });
  // The browser may stop a service worker at any time, but not before this.
  event.waitUntil(flush({ timeoutMillis: 5_000 }));
  return response ?? new Response('You are offline.', { status: 503 });
}
