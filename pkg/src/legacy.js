// What a client of an instance that trapped leaves to the one that follows it.
import { holdsFields } from './snapshot.js';

/** @typedef {import('#bindings').Client} Client */
/** @typedef {[counts: Uint8Array | undefined, unreported: Uint8Array | undefined, batches: Uint8Array[]]} Legacy */

/** How many bytes the counts take, and the drops by reason. */
const books = [21 * 8, 12 * 8];

/** More names than the core would take. */
const mostKeys = 10_240;

/**
 * Reads what can be read: each step may trap again.
 * @param {Client} client
 * @param {WebAssembly.Memory} memory
 * @returns {Legacy}
 */
export function salvage(client, memory) {
  /** @type {number[]} */
  const addresses = [];
  /** @type {Uint8Array[]} */
  const batches = [];
  attempt(() => addresses.push(client.books(false), client.books(true)));
  attempt(() => {
    for (let batch = client.salvage(); batch; batch = client.salvage()) batches.push(batch);
  });
  const [counts, unreported] = addresses.map((address, index) =>
    new Uint8Array(memory.buffer).slice(address, address + books[index]),
  );
  return [counts, unreported, batches];
}

/**
 * One patch in the place of two.
 * @param {any} before
 * @param {any} patch
 */
export function merged(before, patch) {
  if (!holdsFields(patch)) return before;
  // Without a prototype, which may be frozen: names are data here.
  const all = { __proto__: null, ...before };
  for (const [key, value] of Object.entries(patch)) {
    // A group of the configuration; one that is null was put back to what it was.
    const isGroup = key === 'batch' || key === 'sampling';
    all[key] = isGroup && holdsFields(value) ? { __proto__: null, ...all[key], ...value } : value;
    if (isGroup && Object.keys(all[key] ?? {}).length > mostKeys) all[key] = before?.[key];
  }
  return Object.keys(all).length > mostKeys ? before : all;
}

function attempt(/** @type {() => void} */ act) {
  try {
    act();
  } catch {
    // What cannot be read is lost, and counted.
  }
}
