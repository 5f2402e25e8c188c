// 7: whether an event costs the same, however many, of however many names and fields.
import { svg } from '../plot.mjs';
import { ours } from '../sides.mjs';
import { medians, short, table } from '../statistics.mjs';

const each = {
  events: [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
  names: [1, 3, 10, 30, 100, 300, 1_000],
  fields: [1, 2, 4, 8, 16, 32, 64],
};

/** The plot's panels, with the lines of each place. */
const panels = [
  { what: 'events', heading: 'events logged in one go', lines: {} },
  { what: 'names', heading: 'names of events', lines: {} },
  { what: 'fields', heading: 'fields in an event', lines: {} },
];

/** Of all places measured so far. */
export const plot = () => svg('What an event costs does not depend on how many there are', panels);

export async function growth(lab) {
  const series = {};
  const total = lab.quick ? 40_000 : 200_000;
  for (const [what, values] of Object.entries(each)) {
    series[what] = [];
    for (const value of lab.quick ? values.slice(0, -1) : values) {
      const subject = await lab.start(
        { ...ours, gzip: false },
        { queue: 1_000_000, store: 'memory' },
      );
      const count = what === 'events' ? value : 20_000;
      const setting =
        what === 'names' ? { names: value } : what === 'fields' ? { keys: value } : {};
      const rounds = Math.max(lab.quick ? 2 : 3, Math.min(30, total / count));
      series[what].push({ value, ...(await measure(subject, { count, ...setting }, rounds)) });
      await lab.close();
    }
  }
  const tables = Object.entries(series).map(([what, points]) =>
    table(
      [what, 'ns per call', 'ns, all of it', 'call against `JSON.stringify`', 'all against it'],
      points.map(({ value, call, whole, callRatio, wholeRatio }) => [
        value.toLocaleString('en'),
        ...[short(call), short(whole), `${short(callRatio)} ×`, `${short(wholeRatio)} ×`],
      ]),
    ),
  );
  for (const { what, lines } of panels) {
    const line = (name) =>
      series[what].map((point) => ({ value: point.value, ratio: point[name] }));
    const [place] = lab.place.name.split(' ');
    lines[`the call, ${place}`] = line('callRatio');
    lines[`all of it, ${place}`] = line('wholeRatio');
  }
  return [`### Growth, ${lab.place.name}`, ...tables].join('\n\n');
}

async function measure(subject, setting, rounds) {
  const results = [];
  await subject.run('compare', { ...setting, count: 20_000 });
  for (let round = -1; round < rounds; round += 1) {
    const { call, json } = await subject.run('compare', setting);
    const spent = (await cost(subject, 'grow', setting)) - (await cost(subject, 'nothing'));
    const whole = (spent * 1000) / setting.count;
    const result = { call, whole, callRatio: call / json, wholeRatio: whole / json };
    if (round >= 0) results.push(result);
  }
  return medians(results);
}

/** Microseconds of processor time. */
async function cost(subject, task, setting) {
  const before = await subject.main();
  await subject.run(task, setting);
  return (await subject.main()) - before;
}
