/** Collects what is garbage; what finalizers hold goes with a later collection. */
export async function collect() {
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Bytes on the JavaScript heap, and in buffers outside of it. */
export function used() {
  if (typeof process === 'undefined') return performance.memory.usedJSHeapSize;
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export const usedHeap = () =>
  typeof process === 'undefined'
    ? performance.memory.usedJSHeapSize
    : process.memoryUsage().heapUsed;
