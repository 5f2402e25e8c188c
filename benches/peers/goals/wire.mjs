// 2: processor time from the call to the endpoint's answer.
import * as all from '../sides.mjs';
import { median, short, table } from '../statistics.mjs';

const {
  floor,
  oursPlain,
  ours,
  json,
  byHand,
  openTelemetry,
  openTelemetryGzip,
  others,
  isEnough,
  named,
} = all;

export async function wire(lab) {
  const sides = await lab.open([
    ...[floor, oursPlain, json, byHand, openTelemetry],
    ...[ours, openTelemetryGzip, ...others],
  ]);
  // A renderer tells its processor time to 10 ms only.
  const times = lab.quick ? 1 : 3;
  const rounds = lab.quick ? 3 : 7;
  const figures = new Map(sides.map(([side]) => [side, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const [side, subject] of sides) {
      if (isEnough(side, round, lab.quick)) continue;
      const { events } = side;
      const before = await subject.cpu();
      let got;
      for (let time = 0; time < times; time += 1) {
        await subject.run('wire', { events });
        got = await lab.arrived(side, events);
      }
      const cpu = ((await subject.cpu()) - before) / (times * events);
      if (round >= 0) figures.get(side).push({ cpu, ...got });
    }
  }
  await lab.close();

  const of = (side, name) => median(figures.get(side).map((round) => round[name]));
  const least = of(floor, 'cpu');
  const rows = sides.map(([side]) => {
    const [cpu, bytes] = [of(side, 'cpu'), of(side, 'bytes') / side.events];
    const arrived = `${short((of(side, 'events') / side.events) * 100)} %`;
    return [
      named(side),
      short(cpu),
      `${short(cpu / least)} ×`,
      short(of(side, 'requests')),
      short(bytes),
      arrived,
    ];
  });
  const heads = [
    '',
    'µs of CPU per event',
    'against the floor',
    'requests',
    'bytes per event',
    'arrived',
  ];
  return `### From call to wire, ${lab.place.name}\n\n${table(heads, rows)}`;
}
