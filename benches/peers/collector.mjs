// The endpoint of all sides, in a process of its own: takes every POST, and tells what arrived.
// The pages that measure in Chromium come from here too.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';

const [folder] = process.argv.slice(2);

/**
 * What a side's endpoint does, and what it got. `mode`: 'ok', 'down' (503) or 'hang' (no answer).
 * @type {Map<string, { mode: string, requests: { encoding: string | undefined, body: Buffer }[] }>}
 */
const endpoints = new Map();

const endpoint = (/** @type {string} */ side) => {
  const known = endpoints.get(side) ?? { mode: 'ok', requests: [] };
  endpoints.set(side, known);
  return known;
};

const headers = (/** @type {import('node:http').IncomingMessage} */ { headers: asked }) => ({
  // An isolated page has finer clocks, and may ask how much memory it takes.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Access-Control-Allow-Origin': asked.origin ?? '*',
  'Access-Control-Allow-Credentials': 'true',
  'Access-Control-Allow-Headers': asked['access-control-request-headers'] ?? '*',
});

const server = createServer((request, response) => {
  const [, side, file] = (request.url ?? '').split(/[/?]/);
  if (request.method === 'OPTIONS') return response.writeHead(204, headers(request)).end();
  if (request.method === 'GET') return page(request, response, side, file);
  /** @type {Buffer[]} */
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { mode, requests } = endpoint(side);
    if (mode === 'hang') return;
    if (mode === 'down') return response.writeHead(503, headers(request)).end();
    const encoding = request.headers['content-encoding'];
    requests.push({ encoding, body: Buffer.concat(chunks) });
    response.writeHead(200, { ...headers(request), 'Content-Type': 'application/json' }).end('{}');
  });
});
server.keepAliveTimeout = 60_000;

function page(request, response, side, file) {
  try {
    const script = file === 'page' ? undefined : readFileSync(join(folder, side, file));
    const type = script ? 'text/javascript' : 'text/html';
    response
      .writeHead(200, { ...headers(request), 'Content-Type': `${type}; charset=utf-8` })
      .end(script ?? '<!doctype html><link rel="icon" href="data:,"><title>bench</title>');
  } catch {
    response.writeHead(404, headers(request)).end();
  }
}

/** How often a text occurs in what a side sent; bodies that are base64 inside count by their text. */
function arrived(/** @type {string} */ side, /** @type {string} */ text) {
  const { requests } = endpoint(side);
  let bytes = 0;
  let events = 0;
  for (const { encoding, body } of requests) {
    bytes += body.length;
    events += unpacked(body, encoding).toString('utf8').split(text).length - 1;
  }
  return { requests: requests.length, bytes, events };
}

function unpacked(/** @type {Buffer} */ body, /** @type {string | undefined} */ encoding) {
  if (encoding === 'gzip' || (body[0] === 0x1f && body[1] === 0x8b)) return gunzipSync(body);
  return encoding === 'deflate' ? inflateSync(body) : body;
}

process.on('message', ({ id, side, mode, count, reset }) => {
  if (mode) endpoint(side).mode = mode;
  const answer = count ? arrived(side, count) : {};
  if (reset) endpoint(side).requests = [];
  process.send?.({ id, answer });
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: /** @type {any} */ (server.address()).port }),
);
