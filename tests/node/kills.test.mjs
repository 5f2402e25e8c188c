// Processes that write ahead and are killed at random moments, again and again, on one directory.
// `make kills ROUNDS=500` kills more. A seed repeats the dice; the moments remain the machine's.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dice } from '../support/dice.mjs';
import { startFaulty } from '../support/faulty.mjs';
import { folder } from '../support/package.mjs';
import { seed } from '../support/seed.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const kills = Number(process.env.KILLS ?? 25);
const day = 86_400_000;
// A holder's lease is twice this and ten seconds.
const exportTimeoutMillis = 1_000;
const leaseMillis = 2 * exportTimeoutMillis + 10_000;

const path = (name) => fileURLToPath(new URL(`../support/${name}.mjs`, import.meta.url));

/** A process whose clock is wrong by `shift`; `told`: how many events it saw stored, by batch. */
function start(t, name, options, shift = 0) {
  const child = spawn(
    process.execPath,
    ['--import', path('clock'), path(name), JSON.stringify(options)],
    {
      env: { PATH: process.env.PATH, CLOCK_SHIFT: String(shift) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
  });
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout }));
  });
  return { child, ended };
}

/**
 * Lets `writers` processes at once log, kills them and starts others, then delivers what is left.
 * @param {object} options
 * @param {number} options.writers
 * @param {number} [options.pass] how much later each process thinks it is than the one before
 * @param {number[]} [options.wrong] how wrong the clocks of the first writers are
 */
async function killing(t, { writers, pass = 0, wrong = [] }) {
  t.diagnostic(`seed ${seed}`);
  const random = dice(seed);
  const directory = folder(t);
  const server = await startFaulty(t, random);
  const batch = {
    baseUrl: server.url,
    scheduledDelayMillis: 150,
    maxExportBatchSize: 40,
    exportTimeoutMillis,
    maxAttempts: 100,
    baseBackoffMillis: 5,
    maxBackoffMillis: 50,
  };
  /** @type {Map<string, number>} */
  const told = new Map();
  let started = 0;

  const lane = async (number) => {
    while (started < kills) {
      const holder = started;
      started += 1;
      const shift = holder * pass + (wrong[number] ?? 0);
      const { child, ended } = start(t, 'writer', { holder, directory, batch }, shift);
      // Some don't get as far as to log.
      await sleep(random.between(50, 1_200));
      child.kill('SIGKILL');
      for (const line of (await ended).stdout.split('\n')) {
        const [id, events] = line.split(' ');
        if (events) told.set(id, Math.max(told.get(id) ?? 0, Number(events)));
      }
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, number) => lane(number)));

  server.heal();
  const left = readdirSync(directory).filter((name) => name.endsWith('.batch')).length;
  // Every lease has run out for it.
  const shift = kills * pass + leaseMillis + 1;
  const healer = start(t, 'healer', { holder: 'healer', directory, batch }, shift);
  const { code, stdout } = await healer.ended;
  assert.equal(code, 0);
  const ledger = JSON.parse(stdout);
  assert.deepEqual(ledger.dropped, {});
  assert.equal(ledger.accepted, ledger.delivered + ledger.handedOver);
  assert.equal(existsSync(join(directory, 'aside')), false, 'no record was torn by a kill');
  return { told, requests: server.requests, overlaps: server.overlaps.map(String), left };
}

/** What holds however processes end. @returns the batches that were repeated without an excuse */
function check(t, { told, requests, left }) {
  const taken = requests.filter((request) => request.taken);
  /** @type {Map<string, Set<string>>} */
  const ids = new Map();
  const runs = new Map();
  const batches = new Map();
  for (const { batch, events } of taken) {
    const had = ids.get(batch) ?? new Set();
    ids.set(batch, had);
    for (const { event_id, event_metadata } of events) {
      had.add(event_id);
      assert.equal(batches.get(event_id) ?? batch, batch, 'an event belongs to one batch');
      batches.set(event_id, batch);
      const numbers = runs.get(event_metadata.run) ?? new Map();
      runs.set(event_metadata.run, numbers);
      assert.equal(numbers.get(event_metadata.n) ?? event_id, event_id);
      numbers.set(event_metadata.n, event_id);
    }
  }
  for (const [batch, events] of told) {
    const arrived = ids.get(batch)?.size ?? 0;
    assert.ok(arrived >= events, `of batch ${batch} ${events} events were stored, ${arrived} came`);
  }
  for (const [run, numbers] of runs) {
    assert.equal(Math.max(...numbers.keys()), numbers.size - 1, `run ${run} has a hole`);
  }

  // Who went on to another request had the answer to the one before.
  const last = new Map(requests.map((request) => [request.holder, request]));
  const repeated = taken
    .filter((request, index) => taken.findLastIndex(({ batch }) => batch === request.batch) > index)
    .filter((request) => !request.lost && last.get(request.holder) !== request)
    .map(({ batch, holder }) => `${batch}, of which ${holder} knew that it was taken`);
  const doubled = taken.reduce((sum, { events }) => sum + events.length, 0) - batches.size;
  t.diagnostic(
    `${kills} kills; ${batches.size} events arrived, ${doubled} of them again; ` +
      `${told.size} batches were seen stored, ${left} left to the last process`,
  );
  return repeated;
}

test('one process after the other is killed: all that was stored arrives, nothing twice without cause', async (t) => {
  // Each finds the leases of those before it run out.
  const seen = await killing(t, { writers: 1, pass: leaseMillis + 1 });
  assert.deepEqual(check(t, seen), []);
  assert.deepEqual(seen.overlaps, []);
});

test('four processes share a directory and are killed: each batch is exported by one at a time', async (t) => {
  const seen = await killing(t, { writers: 4 });
  assert.deepEqual(check(t, seen), []);
  assert.deepEqual(seen.overlaps, []);
});

test('clocks that are wrong by days repeat batches, and lose none', async (t) => {
  const seen = await killing(t, { writers: 4, wrong: [3 * day, -3 * day] });
  check(t, seen);
});

test('a torn record costs itself, is counted and set aside', async (t) => {
  const directory = folder(t);
  const batch = { scheduledDelayMillis: 30, maxExportBatchSize: 10, exportTimeoutMillis };
  const dead = { ...batch, baseUrl: 'http://127.0.0.1:9' };
  const { child, ended } = start(t, 'writer', { holder: 0, directory, batch: dead });
  const records = () => readdirSync(directory).filter((name) => name.endsWith('.batch'));
  await until(() => records().length >= 6);
  child.kill('SIGKILL');
  await ended;
  // Names sort by age.
  const names = records().sort();
  const events = (all) => all.reduce((sum, name) => sum + Number(name.split('.').at(-2)), 0);
  const [emptied, garbled, torn] = names.slice(-3);
  const file = (name) => join(directory, name);
  const bytes = readFileSync(file(garbled));
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(file(garbled), bytes);
  truncateSync(file(torn), readFileSync(file(torn)).length - 1);
  truncateSync(file(emptied), 0);
  const unfinished = `${names[0]}.4242.0011aabb2233.tmp`;
  writeFileSync(file(unfinished), readFileSync(file(names[0])).subarray(0, 40));

  const server = await startServer(t);
  const healing = { holder: 'healer', directory, batch: { ...batch, baseUrl: server.url } };
  const { code, stdout } = await start(t, 'healer', healing, leaseMillis + 1).ended;
  assert.equal(code, 0);
  const damaged = [emptied, garbled, torn];
  const { delivered, dropped } = JSON.parse(stdout);
  assert.deepEqual(dropped, { corrupt: events(damaged) });
  assert.equal(delivered, events(names) - events(damaged));
  assert.equal(server.events().length, delivered);
  assert.deepEqual(readdirSync(directory).sort(), [unfinished, 'aside']);
  const keys = (all) => all.map((name) => name.split('.')[0]).sort();
  assert.deepEqual(keys(readdirSync(join(directory, 'aside'))), keys(damaged));
});
