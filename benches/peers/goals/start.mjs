// 5: what importing and starting takes of the main thread.
import { openTelemetry, others, ours } from '../sides.mjs';
import { medians, short, table } from '../statistics.mjs';

export const where = 'chromium';

const isHere = ({ where: only = where }) => only === where;
const nothing = { key: 'nothing', name: 'an empty script', file: 'nothing.js' };

export async function start(lab) {
  const sides = [nothing, ours, openTelemetry, ...others].filter(isHere);
  const figures = new Map(sides.map((side) => [side, []]));
  const rounds = lab.quick ? 2 : 11;
  for (const side of sides) await lab.place.bundleStart(side);
  for (let round = -1; round < rounds; round += 1) {
    for (const side of sides) {
      if (!figures.has(side)) continue;
      try {
        const result = await lab.place.start(side, lab.options(side));
        if (round >= 0) figures.get(side).push(result);
      } catch (error) {
        lab.leaveOut(side, error);
        figures.delete(side);
      }
      await lab.endpoint(side, { reset: true });
    }
  }
  const base = medians(figures.get(nothing));
  const rows = [...figures].map(([{ name }, results]) => {
    const { evaluate, init, compile, instantiate, ready, main } = medians(results);
    return [
      name,
      ...[evaluate, init, compile, instantiate, ready, main, main - base.main].map(short),
    ];
  });
  const heads = [
    ...['ms', 'evaluating the script', 'init', 'WebAssembly: compile (waited)', 'instantiate'],
    ...['until it is ready (waited)', 'main thread, CPU', 'less the empty script'],
  ];
  return `### Start, ${lab.place.name}\n\n${table(heads, rows)}`;
}
