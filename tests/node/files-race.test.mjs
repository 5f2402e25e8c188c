import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openFiles } from '../../pkg/src/files.js';

const program = fileURLToPath(new URL('../support/claim-all.mjs', import.meta.url));
const records = 1_000;

test('of several processes that claim the same records, each record goes to one', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'race-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const store = openFiles(directory);
  for (let number = 0; number < records; number += 1) {
    const hex = number.toString(16).padStart(12, '0');
    const key = `${hex}-00000000-0000-4000-8000-${hex}`;
    store.put({ key, lease: 0, attempts: 0, events: 1, bytes: 2 }, Uint8Array.of(1, 2));
  }

  // Two choose the same lease: that must not make one's success the other's.
  const processes = [1000, 1000, 2000].map((lease) => claimer(t, directory, lease));
  await Promise.all(processes.map(({ listed }) => listed));
  for (const { child } of processes) child.stdin.end();
  const won = await Promise.all(processes.map(({ keys }) => keys));

  assert.equal(won.flat().length, records, `${won.map(({ length }) => length)}`);
  assert.equal(new Set(won.flat()).size, records);
  assert.equal(store.list().length, records);
});

function claimer(t, directory, lease) {
  const child = spawn(process.execPath, [program, directory, String(lease)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const listed = lines.next();
  const keys = listed.then(async () => {
    const all = [];
    for await (const line of { [Symbol.asyncIterator]: () => lines }) all.push(line);
    return all;
  });
  return { child, listed, keys };
}
