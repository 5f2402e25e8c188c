import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HttpError } from '../http.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
};

// As strict as a shop would have it: WebAssembly needs the one word, and nothing else is loosened.
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export async function serveFile(folder, pathname, request, response) {
  const file = locate(folder, pathname);
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) throw new HttpError(404, `there is no ${pathname} here`);
  response.writeHead(200, {
    'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'Content-Length': info.size,
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
  });
  if (request.method === 'HEAD') return response.end();
  await pipeline(createReadStream(file), response);
}

function locate(folder, pathname) {
  let name;
  try {
    name = decodeURIComponent(pathname);
  } catch {
    throw new HttpError(400, 'the path is not percent-encoded text');
  }
  const file = path.join(folder, name.endsWith('/') ? `${name}index.html` : name);
  if (name.includes('\0') || !file.startsWith(path.join(folder, path.sep))) {
    throw new HttpError(404, 'there is nothing outside of the page');
  }
  return file;
}
