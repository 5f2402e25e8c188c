// The time of an event is the clock's at its call; only a loop that logs shares readings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start } from '../support/package.mjs';

const shared = 7;
const readFirst = 17;

/** An instance that logs, the clock it reads, and the times that arrived. */
async function clocked(t) {
  const { server, telemetry } = await start(t, { strict: false });
  const real = Date.now;
  const clock = { now: real() };
  t.after(() => {
    Date.now = real;
  });
  // Its shapes are known before the clock is ours.
  for (const fields of [{ n: 1 }, { n: 1, m: 1 }]) telemetry.logEvent('timed', fields);
  await telemetry.flush();
  const skip = server.events().length;
  Date.now = () => clock.now;
  const arrived = async () => {
    Date.now = real;
    await telemetry.flush();
    return server
      .events()
      .slice(skip)
      .map(({ timestamp }) => Date.parse(timestamp));
  };
  const log = (fields = { n: 1 }) => {
    telemetry.logEvent('timed', fields);
    return clock.now;
  };
  return { clock, log, arrived };
}

test('events that are apart have exact times', async (t) => {
  const { clock, log, arrived } = await clocked(t);
  const expected = [];
  for (let n = 0; n < 100; n += 1) {
    clock.now += n % 3;
    expected.push(log());
    await undefined;
  }
  assert.deepEqual(await arrived(), expected);
});

test('in a loop times never go back, and are of seven calls before at most', async (t) => {
  const { clock, log, arrived } = await clocked(t);
  const expected = [];
  for (let n = 0; n < 3_000; n += 1) {
    if (n % 10 === 9) clock.now += 1;
    expected.push(log());
  }
  const times = await arrived();
  assert.equal(times.length, expected.length);
  for (const [index, time] of times.entries()) {
    const oldest = index < readFirst ? index : Math.max(0, index - shared);
    assert.ok(time <= expected[index] && time >= expected[oldest], `event ${index}`);
    assert.ok(index === 0 || time >= times[index - 1], `event ${index} goes back`);
  }
});

test('another shape, another task and a jump of the clock are read at once or soon', async (t) => {
  const { clock, log, arrived } = await clocked(t);
  const exact = new Map();
  let count = 0;
  const logged = (/** @type {boolean} */ isExact, fields = { n: 1 }) => {
    const time = log(fields);
    if (isExact) exact.set(count, time);
    count += 1;
  };
  const loop = () => {
    for (let n = 0; n < 100; n += 1) logged(n < readFirst);
  };
  loop();
  clock.now += 5;
  logged(true, { n: 1, m: 1 });
  clock.now += 5;
  logged(true);
  loop();
  clock.now += 5;
  await undefined;
  logged(true);
  loop();
  clock.now -= 5;
  for (let n = 0; n < 20; n += 1) logged(n >= shared);
  const times = await arrived();
  assert.equal(times.length, count);
  for (const [index, time] of exact) assert.equal(times[index], time, `event ${index}`);
});
