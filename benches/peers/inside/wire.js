// From the call to the endpoint's answer, as a program logs: some events in each task.
import { eventName, scenarios } from './events.js';

const perTask = 200;

export async function wire(side, { events }) {
  const { fields } = scenarios['8 fields'];
  for (let n = 0; n < events; n += 1) {
    side.log(eventName, fields(n));
    if (n % perTask === perTask - 1) await new Promise((resolve) => setTimeout(resolve));
  }
  await side.flush();
}
