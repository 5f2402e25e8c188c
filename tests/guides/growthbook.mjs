// A GrowthBook host on loopback: the payload of its features, and the stream that says it has changed.
import { createServer } from 'node:http';

/** @param {import('../support/server.mjs').Scope} t */
export async function startGrowthBook(t, /** @type {Record<string, any>} */ first) {
  let payload = first;
  /** @type {Set<import('node:http').ServerResponse>} */
  const streams = new Set();
  const server = createServer(({ url = '' }, response) => {
    const headers = {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': 'x-sse-support',
      'X-SSE-Support': 'enabled',
    };
    if (url === '/api/features/sdk-shop') {
      response.writeHead(200, { ...headers, 'Content-Type': 'application/json' });
      response.end(JSON.stringify(payload));
    } else if (url === '/sub/sdk-shop') {
      response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream' });
      response.write(': open\n\n');
      streams.add(response);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    streams,
    change(/** @type {Record<string, any>} */ next) {
      payload = next;
      for (const stream of streams) stream.write(`event: features-updated\ndata: {}\n\n`);
    },
  };
}
