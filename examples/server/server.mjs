// A small HTTP server that logs its requests and, when it is asked to end, what it still holds.

import { createServer } from 'node:http';
import { join } from 'node:path';
import { init, logEvent, shutdown, verified } from 'wasm-telemetry';

const { PORT = '8080', INSTANCE = '0', STATE = '.', TELEMETRY_URL } = process.env;

init({
  serviceName: 'shop-api',
  serviceVersion: '1.4.0',
  resource: { 'service.instance.id': INSTANCE },
  batch: { baseUrl: TELEMETRY_URL },
  directory: join(STATE, 'telemetry'),
  onDiagnostic: ({ code, message }) => console.error(`telemetry: ${code}: ${message}`),
});

// The patterns of the routes, never the addresses: those hold ids.
const routes = { '/basket/:id': /^\/basket\/\d+$/, '/health': /^\/health$/ };

const server = createServer((request, response) => {
  const started = performance.now();
  response.on('close', () => {
    logEvent('request_served', {
      route: verified(routeOf(request.url)),
      status: response.statusCode,
      millis: Math.round(performance.now() - started),
      complete: response.writableFinished,
    });
  });
  response.writeHead(routeOf(request.url) === 'other' ? 404 : 200).end('ok\n');
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(server.address().port));

function routeOf(url) {
  return Object.keys(routes).find((route) => routes[route].test(url)) ?? 'other';
}

process.once('SIGTERM', () => {
  // Requests first: they log until they are done.
  server.close(async () => {
    const { delivered, stored, timedOut } = await shutdown({ timeoutMillis: 5_000 });
    console.log(JSON.stringify({ delivered, stored, timedOut }));
    process.exit(0);
  });
});
