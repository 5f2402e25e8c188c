// An endpoint that keeps what it gets as bytes, whatever their format.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

/**
 * @param {{ after(done: () => unknown): void }} t
 * @param {(index: number, request: import('node:http').IncomingMessage) =>
 *   { status: number, headers?: Record<string, string>, body?: string | Buffer } | undefined} [answer]
 *   nothing: the connection is closed
 */
export async function startReceiver(t, answer = () => ({ status: 200 })) {
  /** @type {{ url: string, headers: import('node:http').IncomingHttpHeaders, bytes: Buffer }[]} */
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // Its sender has ended.
    }
    const { url = '', headers } = request;
    const body = Buffer.concat(chunks);
    const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    requests.push({ url, headers, bytes });
    const given = answer(requests.length - 1, request);
    if (given) response.writeHead(given.status, given.headers).end(given.body);
    else request.socket.destroy();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answerWith(/** @type {typeof answer} */ other) {
      answer = other;
    },
  };
}
