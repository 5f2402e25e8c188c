// The host never breaks: no exception, no rejection that nobody handles, bounded memory, and a ledger that
// balances, whatever the world around does. SEED=7 has other dice, HOSTILE_WORLDS has more of them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { launch } from '../support/browser.mjs';
import { folder, sum } from '../support/package.mjs';
import { seed as first } from '../support/seed.mjs';
import { startServer } from '../support/server.mjs';
import { site } from '../support/site.mjs';
import { until } from '../support/wait.mjs';

const program = fileURLToPath(new URL('world-program.mjs', import.meta.url));
const calls = Number(process.env.HOSTILE_CALLS ?? 300);
const worlds = Number(process.env.HOSTILE_WORLDS ?? 3);

function assertSound(seed, { state, ledger, sizes, traps, ruined, told }) {
  assert.equal(traps, 0, `traps with seed ${seed}`);
  if (ruined) return assert.ok(told <= 1, `${told}`);
  assert.equal(state, 'running');
  assert.equal(sum(ledger), ledger.accepted, JSON.stringify(ledger));
  assert.ok(ledger.accepted > 0);
  assert.ok(sizes.memoryBytes < 64 * 2 ** 20, `${sizes.memoryBytes}`);
}

for (let seed = first; seed < first + worlds; seed += 1) {
  test(`a hostile world around Node, seed ${seed}`, async (t) => {
    const args = ['--unhandled-rejections=strict', program, String(seed), String(calls)];
    const env = { PATH: process.env.PATH, HOME: folder(t) };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
    assertSound(seed, JSON.parse(stdout));
  });
}

test('names that a frozen prototype has, too, are names like any other', async (t) => {
  const server = await startServer(t);
  const frozen = fileURLToPath(new URL('frozen-program.mjs', import.meta.url));
  const env = { PATH: process.env.PATH, HOME: folder(t), OTEL_RESOURCE_ATTRIBUTES: 'toString=3' };
  const args = ['--unhandled-rejections=strict', frozen, server.url];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
  const { ledger, traps } = JSON.parse(stdout);
  assert.equal(traps, 0);
  assert.equal(ledger.sampledOut, 1);
  assert.equal(ledger.delivered, 1);
  const [{ body }] = server.requests;
  assert.equal(body.resource.toString, '3');
  const [event] = body.events;
  assert.equal(event.event_name, 'valueOf');
  assert.equal(event.event_metadata.toString, 2);
  assert.equal(event.core_metadata.toString, 1);
});

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test(`a hostile world around a page, from seed ${first}`, async (t) => {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { live } from './world.mjs'; export { dice } from '../support/dice.mjs';`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'hostile',
  });
  const { open, problems } = await site(t, browser, {
    '/': `${outputFiles[0].text}
      addEventListener('unhandledrejection', ({ reason }) => { throw new Error('unhandled ' + reason); });
      hostile.live(telemetry, hostile.dice(Number(location.hash.slice(1))), ${calls}).then((stats) => {
        window.outcome = JSON.stringify(stats);
      });`,
  });
  for (let seed = first; seed < first + worlds; seed += 1) {
    const page = await open(`/#${seed}`);
    const outcome = () => page.evaluate('window.outcome');
    await until(async () => {
      assert.deepEqual(problems, [], `seed ${seed}`);
      return (await outcome()) !== undefined;
    }, `seed ${seed}`);
    assertSound(seed, JSON.parse(await outcome()));
    await page.close();
  }
});
