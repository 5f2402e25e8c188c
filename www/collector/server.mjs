import http from 'node:http';
import { allowMethod, HttpError, sendJson } from './http.mjs';

const HEADERS_MILLIS = 10_000;
const CLOSE_MILLIS = 10_000;
/** Longer than proxies and collectors keep one: a request must not meet a connection that just ends. */
const KEEP_ALIVE_MILLIS = 120_000;

/**
 * @typedef {(request: http.IncomingMessage, url: URL) => unknown} Handler
 * @param {object} options
 * @param {Record<string, Record<string, Handler>>} options.routes by path and method; a handler gives
 *   an Answer, or what is sent as JSON, or undefined if there is no answer
 * @param {(request: http.IncomingMessage, response: http.ServerResponse, url: URL) => boolean} options.before
 *   true: it has answered
 * @param {(request: http.IncomingMessage, response: http.ServerResponse, url: URL) => unknown} [options.otherwise]
 * @param {(problem: string, details: object) => void} options.log
 * @param {number} options.requestMillis within which a request must have come
 */
export function createServer({ routes, before, otherwise = nowhere, log, requestMillis }) {
  let closing = false;

  async function answer(request, response) {
    // A connection that stays would keep a server that is to end.
    if (closing) response.setHeader('Connection', 'close');
    const url = target(request);
    if (before(request, response, url)) return;
    if (!Object.hasOwn(routes, url.pathname)) return otherwise(request, response, url);
    const methods = routes[url.pathname];
    allowMethod(request, Object.keys(methods));
    const value = await methods[request.method](request, url);
    if (typeof value?.send === 'function') value.send(response);
    else if (value !== undefined) sendJson(response, 200, value);
  }

  function refuse(error, response) {
    if (error.status === undefined) log('failed', { status: 500, message: error.message });
    if (response.headersSent || response.destroyed) return response.destroy();
    if (error.status === undefined) {
      // What was wrong is in the log.
      return sendJson(response, 500, { error: { path: 'server', message: 'the endpoint failed' } });
    }
    const { status, path, message, remedy, headers } = error;
    sendJson(response, status, { error: { path, message, remedy } }, headers);
  }

  const server = http.createServer(
    {
      headersTimeout: Math.min(HEADERS_MILLIS, requestMillis),
      requestTimeout: requestMillis,
      keepAliveTimeout: KEEP_ALIVE_MILLIS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      request.on('error', () => {});
      response.on('error', () => {});
      answer(request, response).catch((error) => refuse(error, response));
    },
  );
  server.on('clientError', (error, socket) => {
    const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (!socket.writable) return;
    log(late ? 'too slow' : 'not HTTP', { status: late ? 408 : 400 });
    const status = late ? '408 Request Timeout' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  });

  return {
    /** Gives the address. */
    listen: (port, host = '127.0.0.1') =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          const shown = host.includes(':') ? `[${host}]` : host;
          resolve(`http://${shown}:${server.address().port}`);
        });
      }),
    /** Takes no more, and finishes what it has begun. */
    close: () =>
      new Promise((resolve) => {
        closing = true;
        const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MILLIS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function nowhere(_, __, url) {
  throw new HttpError(404, `there is no ${url.pathname} here`);
}

function target(request) {
  try {
    return new URL(request.url, `http://${request.headers.host}`);
  } catch {
    throw new HttpError(400, 'the address of the request is not a URL');
  }
}
