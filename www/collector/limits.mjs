// Token buckets. A request is let in while its bucket is not in debt, and then pays what it turned out
// to cost; so a batch larger than a bucket passes, too, and the next one waits for longer.
import { comeAgain } from './http.mjs';

const MAX_KEYS = 100_000;

/**
 * @param {string} who named in the answer
 * @param {{ requests: number, events: number, bytes: number }} rates per second; 0: no limit
 * @param {number} burstSeconds a bucket holds so many seconds of its rate
 */
export function rateLimit(who, rates, burstSeconds, now = () => performance.now()) {
  const limited = Object.entries(rates).filter(([, rate]) => rate > 0);
  /** @type {Map<string, { at: number, left: Record<string, number> }>} */
  const buckets = new Map();

  function bucket(key) {
    const at = now();
    const found = buckets.get(key);
    buckets.delete(key);
    const left = {};
    for (const [name, rate] of limited) {
      const before = found ? found.left[name] + ((at - found.at) / 1_000) * rate : Infinity;
      left[name] = Math.min(before, rate * burstSeconds);
    }
    const renewed = { at, left };
    // The one that was not used for the longest time goes first, and starts full if it comes again.
    if (buckets.size >= MAX_KEYS) buckets.delete(buckets.keys().next().value);
    buckets.set(key, renewed);
    return renewed;
  }

  return {
    /** Throws a 429 while the bucket is in debt. */
    admit(key) {
      const { left } = bucket(key);
      for (const [name, rate] of limited) {
        if (left[name] > 0) continue;
        const seconds = (1 - left[name]) / rate;
        throw comeAgain(429, `more than ${rate} ${name} per second from one ${who}`, seconds);
      }
    },
    /** @param {string} key @param {Record<string, number>} costs */
    charge(key, costs) {
      const { left } = bucket(key);
      for (const [name] of limited) left[name] -= costs[name] ?? 0;
    },
    size: () => buckets.size,
  };
}
