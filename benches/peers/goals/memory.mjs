// 4: memory of what waits, and memory over time.
import { byHand, json, openTelemetry, others, ours } from '../sides.mjs';
import { medians, short, table } from '../statistics.mjs';

const count = 9_999;

export async function memory(lab) {
  const rows = [];
  const measure = async (side, name, options) => {
    const rounds = [];
    for (let round = 0; round < (lab.quick ? 1 : 5); round += 1) {
      const opened = await lab.open([side], options);
      if (opened.length === 0) return;
      const [[, subject]] = opened;
      await subject.run('warmUp');
      await lab.endpoint(side, { mode: 'hang' });
      rounds.push(await subject.run('held', { count }));
      await lab.close();
    }
    const { all, heap, wasm } = medians(rounds);
    rows.push([name, short(all), short(heap), short(wasm)]);
  };
  await measure(ours, `${ours.name}, 200 per batch`, {});
  const waiting = { batch: count + 1, queue: 2 * count };
  for (const side of [ours, json, byHand, openTelemetry, ...others]) {
    await measure(side, side.name, waiting);
  }
  const text = [
    `### Memory, ${lab.place.name}`,
    table(['9,999 events wait', 'bytes per event', 'JavaScript', 'WebAssembly'], rows),
  ];
  if (lab.place.key === 'node') text.push(await flat(lab));
  return text.join('\n\n');
}

async function flat(lab) {
  const batch = { baseBackoffMillis: 10, maxBackoffMillis: 50, maxAttempts: 100 };
  // Compression would take minutes, and holds nothing.
  const subject = await lab.start({ ...ours, gzip: false }, { batch });
  const samples = await subject.run('flat', { millions: lab.quick ? 2 : 10 });
  await lab.close();
  const kib = (bytes) => short(bytes / 1024);
  const rows = samples
    .filter((_, index) => index === 0 || index % 2 === 1)
    .map(({ events, heap, wasm, rss }) => [
      (events / 1e6).toFixed(1),
      ...[kib(heap), kib(wasm), kib(rss)],
    ]);
  return table(
    [
      'million events, 5 % of them in outages',
      'JavaScript heap and buffers, KiB',
      'WebAssembly, KiB',
      'process, KiB',
    ],
    rows,
  );
}
