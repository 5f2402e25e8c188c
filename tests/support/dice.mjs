/** Random numbers that a seed determines (mulberry32). */
export function dice(/** @type {number} */ seed) {
  let state = seed >>> 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    /** A whole number from `least` to `most`. */
    between: (/** @type {number} */ least, /** @type {number} */ most) =>
      least + Math.floor(unit() * (most - least + 1)),
    /** @template T @returns {T} one of them */
    pick: (/** @type {T[]} */ all) => all[Math.floor(unit() * all.length)],
  };
}
