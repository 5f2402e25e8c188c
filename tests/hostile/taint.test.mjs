// Text that nobody vouched for leaves by no way: not in a request, not in a stored byte, not in a
// diagnostic. SEED=7 has other dice, HOSTILE_CALLS makes it longer.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { folder } from '../support/package.mjs';
import { seed } from '../support/seed.mjs';
import { startReceiver } from './receiver.mjs';
import { filesHolding, find } from './search.mjs';

const program = fileURLToPath(new URL('taint-program.mjs', import.meta.url));
const formats = ['json', 'otlp-json', 'otlp-protobuf'];
const calls = Number(process.env.HOSTILE_CALLS ?? 600);
const value = 'taintedvalue7f3a';
const key = 'taintedkey9c1b';
const events = {
  checkout: { items: 'number', express: 'boolean', total: 'number', plan: 'text' },
  seen: { plan: 'text', seconds: 'number' },
};

async function runProgram(told) {
  const args = ['--unhandled-rejections=strict', program, JSON.stringify(told)];
  const env = { PATH: process.env.PATH };
  const ended = await promisify(execFile)(process.execPath, args, { env }).catch((error) => error);
  assert.ok(ended.signal === 'SIGKILL' || !ended.code, `${ended.stderr}`);
  return { text: `${ended.stdout}${ended.stderr}`, stats: ended.stdout };
}

const ways = [
  { end: 'exit', early: 50 },
  { end: 'kill', early: 0, durability: 'write-ahead' },
  { end: 'loop', early: 0, enrich: true },
  { end: 'flush', early: 50, strict: true },
  { end: 'exit', early: 50, events, key },
  { end: 'loop', early: 50, events, key, enrich: true },
];

for (const format of formats) {
  for (const [index, { end, early, key: keyWord, ...more }] of ways.entries()) {
    test(`${format}, ${end}: no hostile ${keyWord ? 'value, key or name' : 'value'} leaves, seed ${seed + index}`, async (t) => {
      const receiver = await startReceiver(t, (request) => ({ status: request % 3 ? 503 : 200 }));
      const directory = folder(t);
      const batch = { baseUrl: receiver.url, scheduledDelayMillis: 10, baseBackoffMillis: 1 };
      const options = { serviceName: 'tainted', format, directory, batch, ...more };
      const told = {
        seed: seed + index,
        calls,
        options,
        words: { value, key: keyWord },
        end,
        early,
      };
      const nothingIn = () => {
        // Diagnostics name what was left out, so a key may be there.
        for (const word of [value, key]) {
          assert.deepEqual(filesHolding(directory, word), []);
          for (const { url, headers, bytes } of receiver.requests) {
            assert.equal(find(bytes, word), '');
            assert.equal(find(JSON.stringify([url, headers]), word), '');
          }
        }
      };
      const { text } = await runProgram(told);
      assert.equal(find(text, value), '');
      nothingIn();
      if (end === 'exit' || end === 'kill') assert.ok(readdirSync(directory).length > 0);

      receiver.answerWith(() => ({ status: 200 }));
      const again = { ...options, batch: { ...batch, baseUrl: receiver.url }, enrich: false };
      await runProgram({ ...told, options: again, calls: 0, early: 0, end: 'flush' });
      nothingIn();
      assert.ok(receiver.requests.some(({ bytes }) => find(bytes, 'meant to leave')));
    });
  }
}
