import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { HttpError } from './http.mjs';

export const MAX_BODY_BYTES = 4 * 1024 * 1024;

const inflate = promisify(gunzip);

/** Reads a JSON body, compressed or not, and says how many bytes came over the wire. */
export async function readJson(request) {
  const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json') {
    throw new HttpError(415, `Content-Type must be application/json, not "${type}"`);
  }
  const { wire, bytes, compressed } = await readBody(request);
  return { value: parse(bytes), bytes: wire.length, compressed };
}

/** Reads any body: as it came, and decompressed. */
export async function readBody(request) {
  const wire = await readBytes(request);
  return { wire, ...(await decoded(wire, request.headers['content-encoding'])) };
}

async function readBytes(request) {
  if (Number(request.headers['content-length']) > MAX_BODY_BYTES) throw tooLarge();
  const chunks = [];
  let size = 0;
  try {
    // Destroying the request would cut the answer off too; node reads the rest and throws it away.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(408, 'the upload was cut off');
  }
  return Buffer.concat(chunks);
}

async function decoded(wire, encoding = 'identity') {
  if (encoding === 'identity') return { bytes: wire, compressed: false };
  if (encoding !== 'gzip') {
    throw new HttpError(415, `Content-Encoding must be gzip or identity, not "${encoding}"`);
  }
  try {
    // The limit holds while it inflates: a bomb never gets its memory.
    return { bytes: await inflate(wire, { maxOutputLength: MAX_BODY_BYTES }), compressed: true };
  } catch (error) {
    if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new HttpError(400, 'the body is not gzip');
  }
}

function parse(bytes) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, 'the body is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
}

function tooLarge() {
  return new HttpError(413, `the body is larger than ${MAX_BODY_BYTES} bytes`);
}
