// An endpoint on the loopback that keeps what it gets and answers as the test wants.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

/**
 * @typedef {object} Received
 * @property {string} path
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Buffer} bytes as they came
 * @property {any} body the batch; its bytes if it is no JSON
 * @property {number} at when all of it had come, milliseconds since 1970
 * @property {number} status what it was answered; 0: nothing
 */

/**
 * @typedef {object} Answer
 * @property {number} [status] default 200; 0: close the connection without an answer
 * @property {Record<string, string>} [headers]
 * @property {boolean} [hang] never answer
 * @property {string | Uint8Array} [body]
 * @property {boolean} [endless] the body never ends
 */

/** @typedef {{ after(done: () => unknown): void }} Scope a test, or whatever else comes to an end */
/** @typedef {{ type: string, body: string | Uint8Array, headers?: Record<string, string> }} Resource */

/**
 * @param {Scope} t
 * @param {(request: Received, index: number) => Answer | undefined | Promise<Answer | undefined>} [answer]
 */
export async function startServer(t, answer = () => undefined) {
  /** @type {Received[]} */
  const requests = [];
  /** @type {(path: string) => Resource | undefined} */
  let resource = () => undefined;
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The sender went away in the middle: it was never received.
    }
    if (request.method === 'OPTIONS') return void cors(response, request).writeHead(204).end();
    if (request.method !== 'POST') return give(response, resource(request.url ?? ''));
    const bytes = Buffer.concat(chunks);
    const { headers, url: path = '' } = request;
    const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
    const json = headers['content-type'] === 'application/json';
    const body = json ? JSON.parse(String(plain)) : plain;
    const received = { path, headers, bytes, body, at: Date.now(), status: 0 };
    requests.push(received);
    const {
      status = 200,
      headers: more,
      body: said,
      hang,
      endless,
    } = (await answer(received, requests.length - 1)) ?? {};
    if (hang) return;
    received.status = status;
    if (status === 0) return void request.socket.destroy();
    cors(response, request).writeHead(status, more);
    if (endless) response.write(said ?? ' ');
    else response.end(said);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const accepted = () => requests.filter(({ status }) => status >= 200 && status < 300);
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    accepted,
    /** The events of the batches that were answered with success, in the order of their coming. */
    events: () => accepted().flatMap(({ body }) => body.events),
    /** Gives pages and scripts, too. */
    serve(/** @type {typeof resource} */ other) {
      resource = other;
    },
    answerWith(/** @type {typeof answer} */ other) {
      answer = other;
    },
  };
}

function give(
  /** @type {import('node:http').ServerResponse} */ response,
  /** @type {Resource | undefined} */ resource,
) {
  if (!resource) return void response.writeHead(404).end();
  const { type, body, headers } = resource;
  response
    .writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache', ...headers })
    .end(body);
}

// Pages of another origin may post, too.
function cors(
  /** @type {import('node:http').ServerResponse} */ response,
  /** @type {import('node:http').IncomingMessage} */ request,
) {
  if (!request.headers.origin) return response;
  return response
    .setHeader('Access-Control-Allow-Origin', request.headers.origin)
    .setHeader('Access-Control-Allow-Headers', 'authorization, content-encoding, content-type')
    .setHeader('Access-Control-Expose-Headers', 'retry-after');
}
