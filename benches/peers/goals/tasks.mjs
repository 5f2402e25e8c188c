// 3: no long task, neither in a burst nor when a store is emptied.
import { byHand, isEnough, json, named, openTelemetry, others, ours } from '../sides.mjs';
import { median, short, table } from '../statistics.mjs';

export const where = 'chromium';

const columns = ['task', 'late', 'cpu'];
const heads = [
  'longest task of 50 ms and more, ms',
  'latest timer, ms',
  'CPU of the longest task, ms',
].flatMap((head) => [head, 'worst round']);

export async function tasks(lab) {
  const more = lab.quick ? [] : others;
  const sides = await lab.open([ours, json, byHand, openTelemetry, ...more]);
  const figures = new Map(sides.map(([side]) => [side, []]));
  const rounds = lab.quick ? 3 : 9;
  for (let round = -1; round < rounds; round += 1) {
    for (const [side, subject] of sides) {
      if (isEnough(side, round, lab.quick)) continue;
      const { events } = side;
      const result = await watch(lab, subject, async () => {
        await subject.run('burst', { events });
        await lab.arrived(side, events);
      });
      if (round >= 0) figures.get(side).push(result);
    }
  }
  await lab.close();
  const count = lab.quick ? 20_000 : 100_000;
  const drains = [];
  for (let round = 0; round < (lab.quick ? 1 : 3); round += 1) drains.push(await drain(lab, count));
  await lab.close();
  const seconds = short(median(drains.map(({ milliseconds }) => milliseconds / 1000)));
  return [
    `### No long task, ${lab.place.name}`,
    table(
      ['10,000 events in one task, and a flush', ...heads],
      sides.map(([side]) => [named(side), ...cells(figures.get(side))]),
    ),
    table(
      ['after an outage', ...heads],
      [[`${count.toLocaleString('en')} stored events are sent, in ${seconds} s`, ...cells(drains)]],
    ),
  ].join('\n\n');
}

const cells = (rounds) =>
  columns.flatMap((name) => {
    const values = rounds.map((round) => round[name]);
    return [short(median(values)), short(Math.max(...values))];
  });

async function drain(lab, count) {
  const batch = { baseBackoffMillis: 50, maxBackoffMillis: 200, maxAttempts: 100 };
  // Little room in memory, so that nearly all of them are stored.
  const subject = await lab.start(ours, { queue: 1_000, batch });
  await lab.endpoint(ours, { mode: 'down' });
  await subject.run('pile', { count });
  await lab.endpoint(ours, { mode: 'ok' });
  const result = await watch(lab, subject, () => subject.run('drain', { count }));
  const { events: arrived } = await lab.arrived(ours, count);
  if (arrived !== count) throw new Error(`${arrived} of ${count} events arrived`);
  return result;
}

async function watch(lab, subject, work) {
  const { browser } = lab.place;
  await browser.startTracing(subject.page, { categories: ['toplevel', 'blink.user_timing'] });
  await subject.run('watch');
  const result = await work();
  const seen = await subject.run('watched');
  const trace = JSON.parse(String(await browser.stopTracing()));
  return { ...result, ...seen, cpu: longest(trace.traceEvents) };
}

/**
 * Milliseconds that the page's main thread ran in one task, not what it waited for a processor: between
 * the marks that the page sets, for tracing itself has long tasks before and after. A thread's clock may
 * stand still and then leap; no task ran longer than it took.
 */
function longest(events) {
  const [from, to] = ['watch', 'watched'].map((mark) => events.find(({ name }) => name === mark));
  const times = events
    .filter(({ name, pid, tid }) => /RunTask/.test(name) && pid === from.pid && tid === from.tid)
    .filter(({ ts }) => ts > from.ts && ts < to.ts)
    .map(({ tdur = 0, dur = 0 }) => Math.min(tdur, dur) / 1000);
  return Math.max(0, ...times);
}
