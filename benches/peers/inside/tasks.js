// How long the main thread does nothing else.
import { eventName, scenarios } from './events.js';

const { fields } = scenarios['8 fields'];

let stop = async () => ({ task: 0, gap: 0 });

/** From now on: the longest task that Chromium calls long (50 ms), the longest wait between two messages. */
export function watch() {
  let task = 0;
  let gap = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) task = Math.max(task, duration);
  });
  observer.observe({ entryTypes: ['longtask'] });
  const { port1, port2 } = new MessageChannel();
  performance.mark('watch');
  let last = performance.now();
  port1.onmessage = () => {
    const now = performance.now();
    gap = Math.max(gap, now - last);
    last = now;
    port2.postMessage(0);
  };
  port2.postMessage(0);
  stop = async () => {
    port1.close();
    performance.mark('watched');
    // Entries come later than the tasks that they are about.
    await new Promise((resolve) => setTimeout(resolve, 200));
    observer.disconnect();
    return { task, gap };
  };
}

export const watched = () => stop();

/** Events in one go. */
export async function burst(side, { events }) {
  // In a task of the page's own.
  await new Promise((resolve) => setTimeout(resolve));
  for (let n = 0; n < events; n += 1) side.log(eventName, fields(n));
  await side.flush();
}

/** Logs until so many events wait, no faster than they are stored. */
export async function pile(side, { count }) {
  for (let n = 0; n < count; n += 1) {
    side.log(eventName, fields(n));
    while (n % 200 === 0 && side.ledger().queued > 500) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  for (;;) {
    const { queued, inFlight, stored, dropped, delivered } = side.ledger();
    if (queued + inFlight + stored !== count) {
      throw new Error(`not all are kept: ${JSON.stringify({ stored, delivered, dropped })}`);
    }
    if (stored >= count * 0.9) return stored;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Sends all that waits. */
export async function drain(side, { count }) {
  const start = performance.now();
  while (side.ledger().delivered < count) {
    await side.flush();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { milliseconds: performance.now() - start };
}
