// What `inspect` tells of stores that real processes left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { command, inspect, inspectJson, leave, program, state } from './support.mjs';

const records = (directory) => readdirSync(directory).filter((name) => name.endsWith('.batch'));

test('what a process left that ended during an outage waits for the next one', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 12 });
  const before = state(directory);
  const { status, stdout, stderr } = await inspect(directory);
  assert.deepEqual([status, stderr], [0, '']);
  const lines = stdout.split('\n');
  assert.match(
    lines[2],
    /^12 events in 3 batches, \d+ B of 50 MiB \(the default maxStoreBytes\); the oldest$/,
  );
  const rows = lines.filter((line) => / waiting$/.test(line)).map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows.map(([, , seq, events, , , refused]) => [seq, events, refused]).sort(), [
    ['1', '5', '0'],
    ['2', '5', '0'],
    ['3', '2', '0'],
  ]);
  assert.ok(
    lines.every((line) => line.length <= 80),
    'wider than 80 columns',
  );
  assert.ok(!stdout.includes('\u001b'), 'colours though it is no terminal');
  assert.match(stdout, /waiting: Nobody holds it, and no answer has refused it/);
  assert.deepEqual(state(directory), before);
});

test('as JSON it tells the same, and the batches as the endpoint would get them', async (t) => {
  const directory = folder(t);
  const resource = { 'deployment.environment.name': 'tested' };
  await leave(t, directory, { events: 7, options: { resource, serviceVersion: '1.2' } });
  const { status, totals, records, setAside, others } = await inspectJson(directory, '--verify');
  assert.deepEqual([status, setAside, others], [0, [], []]);
  assert.equal(totals.events, 7);
  assert.equal(totals.oldest, records[0].createdAt);
  const clients = new Set(records.map(({ clientId }) => clientId));
  assert.equal(clients.size, 1);
  for (const { state, attempts, exposure, dropped } of records) {
    assert.deepEqual([state, attempts, exposure, dropped], ['new', 0, false, {}]);
  }
  const exported = await inspect(directory, '--events');
  const bodies = exported.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    bodies.map(({ batch }) => batch.id),
    records.map(({ batchId }) => batchId),
  );
  const [{ resource: sent }] = bodies;
  assert.deepEqual(sent, { 'service.name': 'left behind', 'service.version': '1.2', ...resource });
  const numbers = bodies.flatMap(({ events }) => events.map((event) => event.event_metadata.n));
  assert.deepEqual(numbers.sort(), [0, 1, 2, 3, 4, 5, 6]);
});

test('what the endpoint refused for now says how often', async (t) => {
  const directory = folder(t);
  // No second try, however slow the machine is.
  const server = await startServer(t, () => ({ status: 503, headers: { 'Retry-After': '60' } }));
  await leave(t, directory, {
    url: server.url,
    events: 3,
    end: 'await telemetry.flush(); process.exit();',
  });
  const { records } = await inspectJson(directory);
  const [{ batchId, state, attempts, why }] = records;
  assert.deepEqual([state, attempts], ['refused', server.requests.length]);
  assert.match(why, /nobody holds it; refused for now by 1 answer$/);
  const one = await inspect(directory, '--batch', batchId.slice(0, 6));
  assert.equal(one.status, 0);
  assert.match(one.stdout, /^events +3, \d+ B: counted \(3\)$/m);
  assert.match(one.stdout, /^refused +1 time$/m);
  assert.match(one.stdout, /The process that got the\nanswer knows when to try again/);
});

test('what was killed as it wrote ahead is held until its lease runs out', async (t) => {
  const directory = folder(t);
  const killed = await leave(t, directory, {
    events: 4,
    options: { durability: 'write-ahead' },
    end: `const { readdirSync } = await import('node:fs');
      setInterval(() => {
        if (readdirSync(${JSON.stringify(directory)}).some((name) => /\\.4\\.batch$/.test(name))) {
          process.kill(process.pid, 'SIGKILL');
        }
      }, 5);`,
  });
  assert.equal(killed.signal, 'SIGKILL');
  const { status, records } = await inspectJson(directory);
  assert.equal(status, 0);
  const [{ state, why, leasedUntil, events }] = records;
  assert.deepEqual([state, events], ['copy', 4]);
  assert.ok(Date.parse(leasedUntil) > Date.now());
  assert.ok(
    why.startsWith(`a process has it in memory, too, and holds it until ${leasedUntil}`),
    why,
  );
  const { stdout } = await inspect(directory);
  assert.match(stdout, / held \d+s, a copy$/m);

  // As if the lease was over.
  const [name] = readdirSync(directory);
  const over = name.replace(/\.\d+\.0\.4\.batch$/, '.1700000000000.0.4.batch');
  renameSync(join(directory, name), join(directory, over));
  const [later] = (await inspectJson(directory)).records;
  assert.equal(later.state, 'lapsed');
  assert.equal(later.why, 'the lease of whoever held it ran out at 2023-11-14T22:13:20.000Z');
});

test('a batch that a process has taken, to send it, is told from a copy; looking takes nothing', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 5 });
  const [name] = readdirSync(directory);
  // As if that was some time ago.
  utimesSync(join(directory, name), 0, Date.now() / 1000 - 60);
  // An answer that comes when the test says so.
  let answer = () => {};
  const answered = new Promise((resolve) => (answer = () => resolve({})));
  const server = await startServer(t, () => answered);
  const sender = run(
    t,
    `const batch = { baseUrl: '${server.url}' };
    telemetry.init({ serviceName: 'left behind', directory: ${JSON.stringify(directory)}, batch });
    console.log(JSON.stringify(await telemetry.flush()));`,
  );
  await until(() => server.requests.length === 1);
  const before = state(directory);
  const [{ state: held, why }] = (await inspectJson(directory, '--verify')).records;
  assert.equal(held, 'taken');
  assert.match(why, /^a process took it at \S+Z and holds it until \S+Z, \d+s from now$/);
  assert.deepEqual(state(directory), before);
  answer();
  const { stdout } = await sender;
  assert.equal(JSON.parse(stdout).delivered, 5);
  assert.match((await inspect(directory)).stdout, /\n\nNothing is stored\.\n$/);
});

test('while processes write, hold and remove, each look is whole and changes nothing of theirs', async (t) => {
  const directory = folder(t);
  const server = await startServer(t, () => (Math.random() < 0.5 ? { status: 503 } : undefined));
  const batch = {
    baseUrl: server.url,
    maxExportBatchSize: 5,
    scheduledDelayMillis: 10,
    baseBackoffMillis: 5,
    maxBackoffMillis: 20,
    maxAttempts: 100,
  };
  const writer = () =>
    run(
      t,
      `telemetry.init(${JSON.stringify({ serviceName: 'x', durability: 'write-ahead', directory, batch })});
      let left = 200;
      const timer = setInterval(() => {
        telemetry.logEvent('counted', { n: left });
        left -= 1;
        if (left === 0) clearInterval(timer);
      }, 3);
      setInterval(() => {
        const { ledger } = telemetry.stats();
        if (left > 0 || ledger.queued + ledger.inFlight + ledger.stored > 0) return;
        console.log(JSON.stringify(ledger));
        process.exit();
      }, 20);`,
    );
  let running = 2;
  const writers = [writer(), writer()];
  for (const each of writers) each.then(() => (running -= 1));
  while (running > 0) {
    const { totals, setAside, others } = await inspectJson(directory, '--verify');
    assert.deepEqual([totals.broken, setAside], [0, []]);
    assert.ok(
      others.every(({ why }) => /unfinished|earlier state/.test(why)),
      JSON.stringify(others),
    );
  }
  const ledgers = (await Promise.all(writers)).map(({ stdout }) => JSON.parse(stdout));
  for (const { dropped } of ledgers) assert.deepEqual(dropped, {});
  assert.equal(server.events().length, 400);
});

test('what is broken, foreign, unfinished or set aside is told, each with its reason', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 15 });
  const [torn, flipped, other, ...sound] = records(directory);
  truncateSync(join(directory, torn), 60);
  const bytes = readFileSync(join(directory, flipped));
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(join(directory, flipped), bytes);
  mkdirSync(join(directory, 'aside'));
  writeFileSync(join(directory, 'aside', other), 'no record');
  writeFileSync(join(directory, 'notes.txt'), 'mine');
  symlinkSync('/etc/hostname', join(directory, 'link'));
  writeFileSync(join(directory, `${other}.999999999.abcdef.tmp`), '');
  // Somebody died between writing it anew and removing what was there before.
  const earlier = other.replace(/\.5\.batch$/, '.4.batch');
  writeFileSync(join(directory, earlier), readFileSync(join(directory, other)));
  const before = state(directory);

  const { status, ...seen } = await inspectJson(directory, '--verify');
  assert.equal(status, 1);
  assert.deepEqual([seen.totals.records, seen.totals.broken], [3 + sound.length, 2]);
  const problem = (name) => seen.records.find(({ file }) => file === name).problem;
  assert.match(problem(torn), /no record that this release reads/);
  assert.match(problem(flipped), /checksum is wrong/);
  assert.equal(problem(other), undefined);
  assert.match(seen.setAside[0].problem, /no record/);
  const why = Object.fromEntries(seen.others.map(({ file, why }) => [file, why]));
  assert.match(why['notes.txt'], /none of the package's/);
  assert.match(why.link, /symbolic link/);
  assert.match(why[`${other}.999999999.abcdef.tmp`], /process 999999999 died as it wrote it/);
  assert.match(why[earlier], /earlier state/);
  assert.equal(Object.keys(why).length, 4);

  const { stdout } = await inspect(directory, '--verify');
  assert.equal(stdout.match(/ BROKEN$/gm)?.length, 2);
  assert.match(stdout, /Verified, every byte of it: 1 of 3 records sound, 1 set aside\.\n$/);
  const exported = await inspect(directory, '--events');
  assert.equal(exported.status, 1);
  assert.equal(exported.stdout.trim().split('\n').length, 1);
  assert.equal(exported.stderr.match(/is not exported: it is broken/g)?.length, 2);
  assert.deepEqual(state(directory), before);
});

test('a remembered denial is told', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { end: `telemetry.setConsent('denied'); await telemetry.flush();` });
  const { status, deniedAt, records } = await inspectJson(directory);
  assert.deepEqual([status, records], [0, []]);
  assert.ok(Math.abs(Date.parse(deniedAt) - Date.now()) < 3_600_000);
  const { stdout } = await inspect(directory);
  assert.ok(stdout.includes(`Consent was denied at ${deniedAt}`), stdout);
});

test('an event is found by its id, with its batch', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 7 });
  const lines = (await inspect(directory, '--events')).stdout.trim().split('\n');
  const { events, batch } = JSON.parse(lines[1]);
  const { status, stdout } = await inspect(directory, '--event', events[0].event_id);
  assert.equal(status, 0);
  assert.ok(stdout.includes(`"n": ${events[0].event_metadata.n}`), stdout);
  assert.ok(stdout.includes(`batch     ${batch.id}\n`), stdout);
  const json = await inspectJson(directory, '--event', events[0].event_id.slice(0, 12));
  assert.deepEqual([json.event, json.batchId], [events[0], batch.id]);
  const none = await inspect(directory, '--event', '00000000');
  assert.equal(none.status, 1);
  assert.match(none.stderr, /^wasm-telemetry: --event 00000000: in .* there is none \(any more\)/);
});

test('without a directory: the services, and one by its name', {
  skip: process.platform === 'win32',
}, async (t) => {
  const home = folder(t);
  const env = { XDG_STATE_HOME: join(home, 'state') };
  const empty = await command(['inspect'], env);
  assert.deepEqual([empty.status, empty.stdout.includes('none')], [0, true]);
  await leave(t, 'unused', { events: 3, env, options: { directory: undefined } });
  const all = await command(['inspect'], env);
  assert.equal(all.status, 0);
  assert.match(all.stdout, /\nleft_behind-[0-9a-f]{8}\n {4}3 events in 1 batch, /);
  const one = await command(['inspect', '--service', 'left behind'], env);
  assert.match(one.stdout, /\n3 events in 1 batch, /);
  const other = await command(['inspect', '--service', 'elsewhere'], env);
  assert.equal(other.status, 2);
  assert.match(
    other.stderr,
    /^wasm-telemetry: --service elsewhere: .* does not exist; without arguments/,
  );
});

test('a batch that more than one id begins like, and one that is broken', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 5 * 17 });
  const { records } = await inspectJson(directory);
  const firsts = records.map(({ batchId }) => batchId[0]);
  const twice = firsts.find((first, index) => firsts.indexOf(first) !== index);
  const { status, stdout, stderr } = await inspect(directory, '--batch', twice);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /there are \d+ that begin so; give more of the id\n$/);
  const [{ file, batchId }] = records;
  truncateSync(join(directory, file), 84);
  const broken = await inspect(directory, '--batch', batchId);
  assert.equal(broken.status, 1);
  assert.match(broken.stdout, /^why +it is no record that this release reads: /m);
});

test('names in a store do not reach the terminal as they are', async (t) => {
  const directory = folder(t);
  const end = `telemetry.logEvent('\\u001b[2Jgone'); process.exit();`;
  await leave(t, directory, { events: 0, end });
  writeFileSync(join(directory, 'a\u001b[2Jb'), '');
  const [{ batchId }] = (await inspectJson(directory)).records;
  for (const args of [[], ['--batch', batchId]]) {
    const { stdout } = await inspect(directory, ...args);
    assert.ok(!stdout.includes('\u001b'), stdout);
    assert.ok(stdout.includes('\\u001b[2J'), stdout);
  }
});

test('who reads no further ends it quietly', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 4_000 });
  const child = spawn(process.execPath, [program, 'inspect', directory, '--events']);
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdout.once('data', () => child.stdout.destroy());
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([status, stderr], [0, '']);
});

test('what it does not understand it says, with the argument and the remedy', async (t) => {
  const directory = folder(t);
  for (const [args, message] of [
    [['inspct'], 'no such command: inspct'],
    [['inspect', '--nonsense'], '--nonsense'],
    [['inspect', 'a', 'b'], 'inspect takes one DIRECTORY'],
    [['inspect', join(directory, 'absent')], 'absent does not exist; without arguments'],
    [['inspect', program], 'is no directory; without arguments'],
    [['inspect', directory, '--service', 'x'], 'DIRECTORY and --service name two folders'],
    [
      ['inspect', directory, '--batch', 'a', '--event', 'b'],
      '--batch and --event do not go together',
    ],
    [['inspect', directory, '--format', 'json'], '--format is of use with --drain only'],
    [['inspect', directory, '--json', '--events'], '--json is of no use with --events'],
    [['inspect', '--verify'], '--verify needs a DIRECTORY'],
    [['inspect', directory, '--batch', ''], '--batch needs an id'],
    [['inspect', directory, '--drain', 'http://example.com'], '--drain http://example.com: '],
    [['inspect', directory, '--drain', 'https://a.example/x?y'], '--drain https://a.example/x?y: '],
    [['inspect', directory, '--drain', 'nonsense'], '--drain nonsense: '],
    [['inspect', directory, '--drain', 'https://a.example', '--format', 'xml'], '--format xml'],
    [['inspect', directory, '--drain', 'https://a.example', '--timeout', '0'], '--timeout 0'],
    [['inspect', directory, '--drain', 'https://a.example', '--header', 'a'], '--header, the 1.'],
    [
      ['inspect', directory, '--drain', 'https://a.example', '--header', 'Content-Type: a'],
      'eader',
    ],
  ]) {
    const { status, stdout, stderr } = await command(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.ok(stderr.startsWith('wasm-telemetry: ') && stderr.includes(message), stderr);
  }
  assert.deepEqual(readdirSync(directory), []);
});

test('it explains itself', async () => {
  for (const args of [['--help'], ['-h'], ['inspect', '--help']]) {
    const { status, stdout } = await command(args);
    assert.equal(status, 0);
    assert.match(stdout, /^Usage: wasm-telemetry (<command>|inspect \[DIRECTORY\])/);
    assert.match(stdout, /Exit status: 0; or 1 if .*; or 2\s+if the command is not\s+understood/s);
    assert.ok(
      stdout.split('\n').every((line) => line.length <= 80),
      stdout,
    );
  }
  const { version } = JSON.parse(
    readFileSync(new URL('../../pkg/package.json', import.meta.url), 'utf8'),
  );
  assert.equal((await command(['--version'])).stdout, `${version}\n`);
});
