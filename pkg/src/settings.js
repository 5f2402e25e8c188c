// What `init` was given, completed with what only JavaScript knows: the environment and Node's files.

import { environment as applyEnvironment, files, gzip, isNodeLike, mayRead } from '#platform';
import { holdsFields, snapshot } from './snapshot.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */

/**
 * @typedef {object} Host what the WebAssembly is told besides the options
 * @property {boolean} strict
 * @property {string} [disabled] why nothing may be logged, whatever the options say
 * @property {import('../index.d.ts').ConfigPatch} [environment]
 * @property {import('../index.d.ts').Store} [store]
 * @property {'files'} [storeKind]
 * @property {(body: Uint8Array) => Promise<unknown>} [gzip] in place of a CompressionStream
 * @property {import('./spool.js').Spool} [spool] beside IndexedDB
 * @property {Uint8Array} [seed] of everything random, if it is not to be a fresh one
 * @property {string} [sessionId] written by the WebAssembly
 * @property {import('../index.d.ts').ConfigPatch} [patch] what `updateConfig` said before a trap
 * @property {number} [consentAt] when the option `consent` was said, if that is not now
 */

/** @returns {{ options: InitOptions, host: Host }} */
export function settle(/** @type {InitOptions} */ given) {
  // Once, so that whatever its getters do can't differ from what was checked.
  const options = snapshot(given);
  if (!holdsFields(options)) {
    throw new TypeError('init(): options must be an object with a serviceName');
  }
  const environment = applyEnvironment(options);
  if (typeof options.serviceName !== 'string' || options.serviceName === '') {
    const remedy = isNodeLike ? ', or OTEL_SERVICE_NAME set' : '';
    throw new TypeError(`init(): serviceName must be a text that is not empty${remedy}`);
  }
  const mode = nodeEnvironment();
  const inTest = mode === 'test' && options.enabled !== true ? 'NODE_ENV=test' : undefined;
  const disabled = environment?.disabled ?? inTest;
  const store = disabled === undefined && options.enabled !== false ? files(options) : undefined;
  const host = { strict: options.strict ?? mode === 'development', disabled, gzip, ...store };
  return {
    options,
    host: environment ? { ...host, environment: { batch: environment.batch } } : host,
  };
}

/** A bundler puts NODE_ENV in place of just this expression; in a browser there is nothing else. */
function nodeEnvironment() {
  try {
    return mayRead('NODE_ENV') ? process.env.NODE_ENV : undefined;
  } catch {
    return undefined;
  }
}
