import { env } from 'cloudflare:workers';
import { flush, init, logEvent, verified } from 'wasm-telemetry';

init({ serviceName: 'shop-edge', batch: { baseUrl: env.TELEMETRY_URL } });

// The patterns of the routes, never the addresses.
const routes = { '/basket/:id': /^\/basket\/\d+$/ };

export default {
  async fetch(request, _env, context) {
    const started = Date.now();
    const { pathname } = new URL(request.url);
    const route = Object.keys(routes).find((each) => routes[each].test(pathname));
    const response = new Response(route ? 'ok' : 'not found', { status: route ? 200 : 404 });
    logEvent('request_served', {
      route: verified(route ?? 'other'),
      status: response.status,
      millis: Date.now() - started,
    });
    // Nothing runs after the response but what is waited for here.
    context.waitUntil(flush());
    return response;
  },
};
