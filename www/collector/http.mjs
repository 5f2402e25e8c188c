/** An answer other than 200, thrown from wherever it is found out. */
export class HttpError extends Error {
  /** @param {number} status @param {string} message @param {Record<string, string>} [headers] */
  constructor(status, message, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.path = 'body';
  }
}

export function sendJson(response, status, value, headers = {}) {
  if (response.headersSent || response.destroyed) return;
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(body);
}

/** The page and the collector are one machine's business: nobody else's page may read or write. */
export function isLoopback(hostname) {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
