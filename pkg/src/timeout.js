const flushMillis = 30_000;

/** @returns {number} how long a flush may take */
export function timeoutOf(/** @type {import('../index.d.ts').FlushOptions | undefined} */ options) {
  const timeout = options?.timeoutMillis;
  return typeof timeout === 'number' && timeout >= 0 ? timeout : flushMillis;
}
