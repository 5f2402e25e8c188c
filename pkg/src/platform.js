// What Node, Deno and Bun have and browsers have not. Bundles for browsers have `browser.js` instead.
import { tell } from './diagnostics.js';
import { applyEnvironment } from './environment.js';
import { defaultDirectory, openFiles } from './files.js';
import { builtin, isNodeLike, mayRead } from './runtime.js';

export { holdOpen, storing, unwatch, watch } from './exit.js';
export { write } from './terminal.js';
export { isNodeLike, mayRead };

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */

/** Inflates at once. */
export function inflateNow(/** @type {string} */ base64) {
  const { Buffer } = builtin('node:buffer');
  return builtin('node:zlib').inflateRawSync(Buffer.from(base64, 'base64'));
}

/** A CompressionStream takes three times as much work, for bodies 4 % smaller. */
export const gzip = isNodeLike
  ? (/** @type {Uint8Array} */ body) =>
      new Promise((resolve, reject) => {
        builtin('node:zlib').gzip(body, { level: 3 }, (error, packed) =>
          error ? reject(error) : resolve(packed),
        );
      })
  : undefined;

export function environment(/** @type {InitOptions} */ options) {
  return isNodeLike ? applyEnvironment(options) : undefined;
}

/** @returns {Pick<import('./settings.js').Host, 'store' | 'storeKind'> | undefined} */
export function files(/** @type {InitOptions} */ options) {
  if (!isNodeLike || options.store !== undefined) return undefined;
  try {
    const directory = options.directory ?? defaultDirectory(options.serviceName);
    return { store: openFiles(directory), storeKind: 'files' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `batches are kept in memory only, and end with the process: ${reason}`;
    tell(options, { code: 'store_memory', message, field: 'directory' });
    options.store = 'memory';
    return undefined;
  }
}
