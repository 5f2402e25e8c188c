// Reads stored records, by the reader of the module that writes them: a WebAssembly of its own, for whoever
// wants to look at a store. In browsers, too.
import * as bindings from '#decoder-bindings';
import { bytes } from '#decoder-bytes';

/** @typedef {'unknown' | 'checksum' | 'contents' | 'too_large'} Problem what `src/decoder.rs` says of each */

/**
 * @typedef {object} Description
 * @property {string} batchId
 * @property {string} clientId
 * @property {number} seq the batch's number among its client's, from 1
 * @property {number} events
 * @property {boolean} exposure whether there are exposures among them
 * @property {Record<string, number>} dropped what is reported along, by reason
 */

/**
 * A request in the format `json`.
 * @typedef {object} Body
 * @property {Record<string, unknown>} resource
 * @property {Record<string, unknown>} batch
 * @property {Record<string, any>[]} events
 */

/**
 * @typedef {object} Decoder
 * @property {(bytes: Uint8Array) => Description | { problem: Problem }} describe looks at the checksum, and reads the header
 * @property {(bytes: Uint8Array, attempt: number, sentAt: number) => Body | { problem: Problem }} body reads all of it
 * @property {(key: string) => boolean} isDenial whether a store's key remembers that consent was denied
 * @property {(lease: number, now: number) => boolean} isFree whether nobody holds what has that lease
 */

/** @type {Promise<Decoder> | undefined} */
let opened;

/** Compiled once, when it is first asked for. */
export function openDecoder() {
  opened ??= open();
  return opened;
}

/** @returns {Promise<Decoder>} */
async function open() {
  const deflated = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  const inflated = new Blob([deflated])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'));
  const module = await new Response(inflated).arrayBuffer();
  const imports = { './decoder_bg.js': /** @type {any} */ (bindings) };
  const { instance } = await WebAssembly.instantiate(module, imports);
  bindings.__wbg_set_wasm(instance.exports);
  /** @type {any} */ (instance.exports).__wbindgen_start?.();
  return {
    describe: (record) => JSON.parse(bindings.describe(record)),
    body: (record, attempt, sentAt) => JSON.parse(bindings.body(record, attempt, sentAt)),
    isDenial: bindings.isDenial,
    isFree: bindings.isFree,
  };
}
