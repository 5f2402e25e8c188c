// 4: memory of what waits, and memory over time.
import { byHand, json, named, openTelemetry, others, ours } from '../sides.mjs';
import { medians, short, table } from '../statistics.mjs';

export async function memory(lab) {
  const rows = [];
  const more = lab.quick ? [] : others;
  for (const side of [ours, json, byHand, openTelemetry, ...more]) {
    const rounds = [];
    for (let round = 0; round < (lab.quick ? 1 : 5); round += 1) {
      // We send what we can, one batch at a time; of the others as much as possible stays in the queue.
      const batch = side === ours ? 200 : 1_000_000;
      const opened = await lab.open([side], { batch, queue: 1_000_000, hold: true });
      if (opened.length === 0) break;
      const [[, subject]] = opened;
      await subject.run('warmUp');
      await lab.endpoint(side, { mode: 'hang' });
      rounds.push(await subject.run('held', { count: side.events }));
      await lab.close();
    }
    if (rounds.length === 0) continue;
    const { all, heap, wasm } = medians(rounds);
    rows.push([named(side), short(all), short(heap), short(wasm)]);
  }
  const text = [
    `### Memory, ${lab.place.name}`,
    table(['10,000 more events that wait', 'bytes per event', 'JavaScript', 'WebAssembly'], rows),
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
