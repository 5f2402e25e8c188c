// How long the main thread does nothing else.
import { eventName, scenarios } from './events.js';

const { fields } = scenarios['8 fields'];

/** Often enough to meet a task of 16 ms, and so seldom that what looks makes no work for the collector. */
const timerMillis = 4;

let stop = async () => ({ task: 0, late: 0 });

/** From now on: the longest task that Chromium calls long (50 ms), and how late the latest timer rings. */
export function watch() {
  let task = 0;
  let late = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) task = Math.max(task, duration);
  });
  observer.observe({ entryTypes: ['longtask'] });
  performance.mark('watch');
  let due = 0;
  let timer = 0;
  const set = () => {
    due = performance.now() + timerMillis;
    timer = setTimeout(ring, timerMillis);
  };
  const ring = () => {
    late = Math.max(late, performance.now() - due);
    set();
  };
  set();
  stop = async () => {
    clearTimeout(timer);
    performance.mark('watched');
    // Entries come later than the tasks that they are about.
    await new Promise((resolve) => setTimeout(resolve, 200));
    observer.disconnect();
    return { task, late };
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
