// What `make bench` makes of its figures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { svg } from '../../benches/peers/plot.mjs';
import { median, medians, short, table } from '../../benches/peers/statistics.mjs';

test('the median of rounds is the middle one, or between the two in the middle', () => {
  assert.equal(median([9, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 100]), 3.5);
  assert.deepEqual(
    medians([
      { call: 1, json: 30 },
      { call: 3, json: 10 },
      { call: 2, json: 20 },
    ]),
    { call: 2, json: 20 },
  );
});

test('a table is Markdown, with as many digits as mean something', () => {
  assert.equal(
    table(
      ['side', 'ns'],
      [
        ['ours', short(1.234)],
        ['theirs', short(1_234.5)],
      ],
    ),
    '| side | ns |\n| --- | --: |\n| ours | 1.23 |\n| theirs | 1,235 |',
  );
  assert.equal(short(undefined), '');
});

test('a plot has a line for each side in each panel, within its frame', () => {
  const points = [1, 10, 100].map((value) => ({ value, ratio: value === 10 ? 1.5 : 0.5 }));
  const lines = { Node: points, Chromium: points };
  const text = svg('growth', [
    { heading: 'events', lines },
    { heading: 'names', lines },
  ]);
  const drawn = [...text.matchAll(/class="l"[^>]* d="M([^"]*L[^"]*)"/g)];
  assert.equal(drawn.length, 4);
  for (const [, path] of drawn) {
    for (const point of path.split('L')) {
      const [x, y] = point.split(' ').map(Number);
      assert.ok(x >= 0 && x <= 960 && y >= 92 && y <= 270, point);
    }
  }
});
