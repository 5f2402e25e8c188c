import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBody, readJson } from './body.mjs';
import { FEATURES } from './experiment.mjs';
import { faultSwitch } from './faults.mjs';
import { HttpError, isLoopback, sendJson } from './http.mjs';
import { batchesOf } from './otlp.mjs';
import { runQuery } from './query.mjs';
import { serveFile } from './static.mjs';
import { checkBatch, InvalidBatch } from './validation.mjs';

const INGESTION = '/api/event_logging/batch';
const MAX_LISTED = 1_000;

/**
 * @param {object} options
 * @param {ReturnType<import('./database.mjs').openDatabase>} options.database
 * @param {string} [options.page] folder of the page
 * @param {string} [options.otlp] address of an OpenTelemetry collector that exports to this one
 */
export function createCollector({ database, page, otlp }) {
  const faults = faultSwitch();
  const folder = page === undefined ? undefined : path.resolve(page);
  let config = {};

  const routes = {
    [INGESTION]: { POST: (request) => underFaults(request, () => ingest(request)) },
    ...(otlp && {
      '/v1/logs': { POST: (request) => underFaults(request, () => relay(request)) },
      '/exported/v1/logs': { POST: ingestExported },
    }),
    '/api/state': { GET: () => ({ ...database.state(), faults: faults.get() }) },
    '/api/events': { GET: (_, url) => database.events(limit(url)) },
    '/api/batches': { GET: (_, url) => database.batches(limit(url)) },
    '/api/query': { POST: query },
    '/api/faults': { GET: () => faults.get(), PUT: setFaults },
    '/api/config': { GET: () => config, PUT: setConfig },
    '/api/features': { GET: () => FEATURES },
  };

  async function underFaults(request, take) {
    const { mode, delayMillis, retryAfterSeconds } = faults.get();
    if (mode === 'down') {
      request.socket.destroy();
      return undefined;
    }
    if (mode === 'throttle') {
      throw new HttpError(429, 'too many requests', { 'Retry-After': String(retryAfterSeconds) });
    }
    if (mode === 'error500') throw new HttpError(500, 'the server fails on purpose');
    const answer = await take();
    // Slow is slow after the commit: a client that gives up and repeats shows as duplicates.
    if (mode === 'slow') await sleep(delayMillis);
    return answer;
  }

  function ingest(request) {
    return countingInvalid(async () => {
      const { value, bytes, compressed } = await readJson(request);
      checkBatch(value);
      database.ingest(value, { bytes, compressed });
      return {};
    });
  }

  /** Hands a page's request on as it is: other collectors answer no page of another origin. */
  async function relay(request) {
    const { wire } = await readBody(request);
    const headers = Object.entries(request.headers).filter(([name]) => name.startsWith('content-'));
    const answer = await fetch(`${otlp}/v1/logs`, { method: 'POST', headers, body: wire }).catch(
      () => {
        throw new HttpError(502, 'the OpenTelemetry collector does not answer');
      },
    );
    const told = ['content-type', 'retry-after'].flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value]];
    });
    return new Answer(answer.status, told, Buffer.from(await answer.arrayBuffer()));
  }

  /** What the other collector exports: how large a request of the page's was, nobody knows here. */
  function ingestExported(request) {
    return countingInvalid(async () => {
      const { bytes: message } = await readBody(request);
      for (const { body, bytes } of batchesOf(message)) {
        checkBatch(body);
        database.ingest(body, { bytes, compressed: false });
      }
      return new Answer(200, [['content-type', 'application/x-protobuf']], Buffer.alloc(0));
    });
  }

  async function countingInvalid(take) {
    try {
      return await take();
    } catch (error) {
      const cutOff = error.status === 408;
      const refused = error instanceof InvalidBatch || error instanceof HttpError;
      if (refused && !cutOff) database.countInvalid(error.path, error.message);
      throw error;
    }
  }

  async function setFaults(request) {
    const { value } = await readJson(request);
    try {
      return faults.set(value);
    } catch (error) {
      throw error instanceof TypeError ? new HttpError(400, error.message) : error;
    }
  }

  /** Kept as it is: whether a patch is sound is the client's to judge, and worth seeing. */
  async function setConfig(request) {
    const { value } = await readJson(request);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw new HttpError(400, 'the configuration must be a JSON object');
    }
    config = value;
    return config;
  }

  async function query(request) {
    const { value } = await readJson(request);
    return runQuery(database.file, value?.sql);
  }

  async function answer(request, response) {
    const url = target(request);
    allowOrigin(request, response);
    const methods = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined;
    if (request.method === 'OPTIONS') return preflight(request, response);
    if (methods === undefined) {
      if (folder === undefined || url.pathname.startsWith('/api/')) {
        throw new HttpError(404, `there is no ${url.pathname} here`);
      }
      allowMethod(request, ['GET', 'HEAD']);
      return serveFile(folder, url.pathname, request, response);
    }
    allowMethod(request, Object.keys(methods));
    const value = await methods[request.method](request, url);
    if (value instanceof Answer) value.send(response);
    else if (value !== undefined) sendJson(response, 200, value);
  }

  const server = http.createServer((request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    answer(request, response).catch((error) => refuse(error, response));
  });
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });

  return {
    /** Listens on loopback only, and gives the address. */
    listen: (port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          resolve(`http://127.0.0.1:${server.address().port}`);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Other than 200 and JSON: as another server gave it, or as OTLP wants it. */
class Answer {
  constructor(status, headers, body) {
    Object.assign(this, { status, headers, body });
  }

  send(response) {
    response.writeHead(this.status, Object.fromEntries(this.headers)).end(this.body);
  }
}

function refuse(error, response) {
  if (response.headersSent || response.destroyed) return response.destroy();
  if (error instanceof InvalidBatch) {
    return sendJson(response, 400, { error: { path: error.path, message: error.message } });
  }
  if (error instanceof HttpError) {
    const { status, path: where, message, headers } = error;
    return sendJson(response, status, { error: { path: where, message } }, headers);
  }
  console.error(error);
  sendJson(response, 500, { error: { path: 'server', message: 'the collector failed' } });
}

/** A foreign name in `Host` is a page that had its own name point here. */
function target(request) {
  let url;
  try {
    url = new URL(request.url, `http://${request.headers.host}`);
  } catch {
    throw new HttpError(400, 'the address of the request is not a URL');
  }
  if (!isLoopback(url.hostname)) throw new HttpError(403, 'this collector answers loopback only');
  return url;
}

function allowOrigin(request, response) {
  const { origin } = request.headers;
  if (origin === undefined || !URL.canParse(origin) || !isLoopback(new URL(origin).hostname))
    return;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
  response.setHeader('Vary', 'Origin');
}

function preflight(request, response) {
  response.writeHead(204, {
    'Access-Control-Allow-Methods': 'GET, POST, PUT',
    'Access-Control-Allow-Headers': request.headers['access-control-request-headers'] ?? '',
    'Access-Control-Max-Age': '600',
  });
  response.end();
}

function allowMethod(request, methods) {
  if (methods.includes(request.method)) return;
  throw new HttpError(405, `use ${methods.join(' or ')}`, { Allow: methods.join(', ') });
}

function limit(url) {
  const given = url.searchParams.get('limit');
  if (given === null) return 50;
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > MAX_LISTED) {
    throw new HttpError(400, `limit must be a whole number from 1 to ${MAX_LISTED}`);
  }
  return number;
}
