// In which order a module's functions pack best: each after those that it resembles most.
import { bodies } from './wasm-sections.mjs';

/** How far back gzip looks. */
const window = 32_768;
/** Bytes that have to be alike. Longer ones are rare, shorter ones are found anywhere. */
const length = 6;
const hashes = 1 << 22;

/** @returns {Map<string, number>} each function's place, by its name */
export function places(/** @type {Uint8Array} */ named) {
  const left = new Map(bodies(named).map((body) => [body.name, runs(named, body)]));
  const behind = new Uint32Array(hashes);
  /** @type {number[]} */
  const seen = [];
  let forgotten = 0;
  /** @type {Map<string, number>} */
  const found = new Map();
  while (left.size > 0) {
    const next = mostAlike(left, behind);
    for (const run of left.get(next) ?? []) {
      behind[run] += 1;
      seen.push(run);
    }
    for (; seen.length - forgotten > window; forgotten += 1) behind[seen[forgotten]] -= 1;
    found.set(next, found.size);
    left.delete(next);
  }
  return found;
}

/** The function most of whose bytes are in the window already; at the start, the first of the longest. */
function mostAlike(
  /** @type {Map<string, Uint32Array>} */ functions,
  /** @type {Uint32Array} */ behind,
) {
  let best = { name: '', alike: -1, length: 0 };
  for (const [name, runs] of functions) {
    let known = 0;
    for (const run of runs) if (behind[run] > 0) known += 1;
    // Short ones gain least from being near.
    const alike = known / (runs.length + 8);
    const { alike: most, length } = best;
    if (alike > most || (alike === most && runs.length > length)) {
      best = { name, alike, length: runs.length };
    }
  }
  return best.name;
}

/** Every run of so many bytes, as a number (FNV-1a). */
function runs(
  /** @type {Uint8Array} */ module,
  /** @type {import('./wasm-sections.mjs').Body} */ { start, end },
) {
  const found = new Uint32Array(Math.max(0, end - start - length + 1));
  for (let at = 0; at < found.length; at += 1) {
    let hash = 0x811c9dc5;
    for (const byte of module.subarray(start + at, start + at + length)) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    found[at] = (hash ^ (hash >>> 15)) & (hashes - 1);
  }
  return found;
}
