import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { comeAgain, contentType, HttpError } from './http.mjs';

const inflate = promisify(gunzip);

/**
 * What bodies may take of the memory: each of them, and all that are worked on at once.
 * @param {{ maxBodyBytes: number, maxPendingBytes: number }} limits
 */
export function bodyReader({ maxBodyBytes, maxPendingBytes }) {
  let pending = 0;

  /**
   * Reads a body, as it came and decompressed, and counts it as pending until `work` has ended.
   * @template T
   * @param {import('node:http').IncomingMessage} request
   * @param {(body: { wire: Buffer, bytes: Buffer, compressed: boolean }) => Promise<T>} work
   * @returns {Promise<T>}
   */
  return async (request, work) => {
    let held = 0;
    const hold = (bytes) => {
      held += bytes;
      pending += bytes;
      if (pending > maxPendingBytes) throw comeAgain(503, 'too much is on its way at once', 1);
    };
    try {
      const wire = await read(request, hold);
      const decoded = await decode(wire, request.headers['content-encoding']);
      if (decoded.compressed) hold(decoded.bytes.length);
      return await work({ wire, ...decoded });
    } finally {
      pending -= held;
    }
  };

  async function read(request, hold) {
    if (Number(request.headers['content-length']) > maxBodyBytes) throw tooLarge();
    const chunks = [];
    let size = 0;
    try {
      // Destroying the request would cut the answer off too; node reads the rest and throws it away.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        size += chunk.length;
        if (size > maxBodyBytes) throw tooLarge();
        hold(chunk.length);
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof HttpError) throw error;
      throw new HttpError(408, 'the upload was cut off');
    }
    return Buffer.concat(chunks);
  }

  async function decode(wire, encoding = 'identity') {
    if (encoding === 'identity') return { bytes: wire, compressed: false };
    if (encoding !== 'gzip') {
      throw new HttpError(415, 'Content-Encoding must be gzip or identity');
    }
    try {
      // The limit holds while it inflates: a bomb never gets its memory.
      return { bytes: await inflate(wire, { maxOutputLength: maxBodyBytes }), compressed: true };
    } catch (error) {
      if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
      throw new HttpError(400, 'the body is not gzip, though Content-Encoding says so');
    }
  }

  function tooLarge() {
    return new HttpError(
      413,
      `the body is larger than ${maxBodyBytes} bytes: send smaller batches`,
    );
  }
}

export function expectType(request, ...types) {
  const type = contentType(request);
  if (types.includes(type)) return type;
  throw new HttpError(415, `Content-Type must be ${types.join(' or ')}`);
}

export function parseJson(bytes) {
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
