// 1: what `logEvent` costs its caller.
import { events, firstAgain, scenarios } from '../inside/events.js';
import { byHand, isEnough, openTelemetry, others, ours } from '../sides.mjs';
import { medians, short, table } from '../statistics.mjs';

// One batch holds more than is logged before it is sent, so that sending is not part of the call.
const setUp = { batch: events, queue: 2 * events };

export async function call(lab) {
  const common = lab.quick ? ['8 fields'] : ['8 fields', '1 field', '0 fields'];
  const sides = await lab.open([ours, byHand, openTelemetry, ...others], setUp);
  const rounds = lab.quick ? 2 : 5;
  const rows = new Map();
  for (const scenario of [
    ...Object.keys(scenarios).filter((name) => name !== firstAgain),
    firstAgain,
  ]) {
    const measured = sides.filter(([side]) => side === ours || common.includes(scenario));
    const figures = new Map(measured.map(([side]) => [side, []]));
    // The first round warms up.
    for (let round = -1; round < rounds; round += 1) {
      for (const [side, subject] of measured) {
        const slices = others.includes(side) ? 4 : 25;
        if (isEnough(side, round, lab.quick)) continue;
        const result = await subject.run('call', { scenario, slices, burst: side.events / 10 });
        await lab.endpoint(side, { reset: true });
        if (round >= 0) figures.get(side).push(result);
      }
    }
    rows.set(scenario, figures);
  }
  const [[, first]] = sides;
  const { nanoseconds } = await first.run('clock');

  const print = (scenario, side) => {
    const { call, json, ratio } = medians(rows.get(scenario).get(side));
    return [short(call), short(json), `${short(ratio)} ×`];
  };
  const heads = ['', 'ns per call', '`JSON.stringify(metadata)` ns', 'ratio'];
  const lines = [
    `### The call, ${lab.place.name}`,
    table(
      heads,
      common.flatMap((scenario) =>
        sides.map(([side]) => [`${scenario}: ${side.name}`, ...print(scenario, side)]),
      ),
    ),
    'wasm-telemetry alone, whatever it is given:',
    table(heads, [
      ...[...rows.keys()].map((scenario) => [scenario, ...print(scenario, ours)]),
      ['for comparison: `Date.now()`', short(nanoseconds), '', ''],
    ]),
    await heap(lab, sides),
  ];
  await lab.close();
  return lines.join('\n\n');
}

async function heap(lab, sides) {
  const calls = lab.quick ? 100_000 : 1_000_000;
  const rows = [];
  for (const [side, subject] of sides) {
    // Others take minutes for as many.
    const wanted = side === ours ? calls : 2 * side.events;
    const burst = side.events / 10;
    const { garbage, grown } = await subject.run('heap', { calls: wanted, burst });
    await lab.endpoint(side, { reset: true });
    const cells = [wanted.toLocaleString('en'), short(garbage), short(grown / 1024)];
    rows.push([side.name, ...cells]);
  }
  const heads = [
    'JavaScript heap',
    'calls',
    'bytes per call before a collection',
    'KiB grown after',
  ];
  return table(heads, rows);
}
