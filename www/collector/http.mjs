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

/** The client is to come again, not before so many seconds. */
export function comeAgain(status, message, seconds) {
  return new HttpError(status, message, { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) });
}

/** Other than JSON: as another server gave it, or as OTLP wants it. */
export class Answer {
  /** @param {number} status @param {Record<string, string>} headers @param {Uint8Array} body */
  constructor(status, headers, body) {
    Object.assign(this, { status, headers, body });
  }

  send(response) {
    response.writeHead(this.status, this.headers).end(this.body);
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

export function allowMethod(request, methods) {
  if (methods.includes(request.method)) return;
  throw new HttpError(405, `use ${methods.join(' or ')}`, { Allow: methods.join(', ') });
}

export function contentType(request) {
  return (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
}
