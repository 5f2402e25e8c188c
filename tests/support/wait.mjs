import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for something to become true. The limit only ends a test that hangs.
 * @template T
 * @param {() => T | Promise<T>} condition
 * @returns {Promise<T>} what it gave
 */
export async function until(condition, what = String(condition), limitMillis = 60_000) {
  const end = Date.now() + limitMillis;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`still not after ${limitMillis} ms: ${what}`);
    await sleep(20);
  }
}
