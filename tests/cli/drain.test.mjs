// `inspect --drain`: what was left arrives once, and what does not arrive is left as it was.
import assert from 'node:assert/strict';
import { readdirSync, renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, run } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { command, inspect, inspectJson, leave, nowhere, state } from './support.mjs';

const numbers = (server) => server.events().map(({ event_metadata: { n } }) => n);
const upTo = (count) => Array.from({ length: count }, (_, n) => n);
const sorted = (all) => all.toSorted((one, other) => one - other);

test('everything that was left arrives once, with the resource of who wrote it', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 23 });
  const server = await startServer(t);
  const { status, stdout, stderr } = await inspect(
    ...[directory, '--drain', `${server.url}/in/events`],
    ...['--header', 'X-Team: Growth: A', '--header', 'Authorization: Bearer secret'],
  );
  assert.deepEqual([status, stdout], [0, 'delivered  23 events\nleft       nothing\n']);
  assert.match(
    stderr,
    /^sending 23 events in 5 batches to http:\/\/127\.0\.0\.1:\d+\/in\/events\n/,
  );
  assert.ok(
    ['secret', '\r', '\u001b'].every((text) => !stderr.includes(text)),
    stderr,
  );
  assert.deepEqual(sorted(numbers(server)), upTo(23));
  for (const { path, headers, body } of server.requests) {
    assert.equal(path, '/in/events');
    assert.equal(headers['x-team'], 'Growth: A');
    assert.equal(headers.authorization, 'Bearer secret');
    assert.deepEqual(body.resource, { 'service.name': 'left behind' });
  }
  assert.deepEqual(readdirSync(directory), []);
});

test('by OTLP it goes to the path for logs', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 3 });
  const server = await startServer(t);
  const { status } = await inspect(directory, '--drain', server.url, '--format', 'otlp-json');
  assert.equal(status, 0);
  assert.equal(server.requests[0].path, '/v1/logs');
  const [{ scopeLogs }] = server.requests[0].body.resourceLogs;
  assert.equal(scopeLogs[0].logRecords.length, 3);
});

for (const [name, answer, message] of [
  ['an address that is none', { status: 404, body: 'no such page' }, '404 Not Found: no such page'],
  ['a key that is refused', { status: 401 }, '401 Unauthorized'],
  ['a busy endpoint', { status: 503, headers: { 'Retry-After': '30' } }, '(Retry-After: 30)'],
  ['a redirect', { status: 302, headers: { Location: 'https://example.com' } }, '302 Found'],
]) {
  test(`${name}: it ends, and the rest is left with nothing dropped and no attempt counted`, async (t) => {
    const directory = folder(t);
    await leave(t, directory, { events: 14 });
    const before = await inspectJson(directory);
    const server = await startServer(t, (_, index) => (index === 1 ? answer : undefined));
    const { status, stdout } = await inspect(directory, '--drain', server.url);
    assert.equal(status, 1);
    const lines = stdout.replaceAll(/\n {11}/g, ' ').split('\n');
    assert.equal(lines[0], 'delivered  5 events');
    assert.match(lines[1], /^left {7}9 events in 2 batches: the endpoint answered \d+ /);
    assert.ok(lines[1].includes(message), lines[1]);
    assert.equal(server.requests.length, 2);
    const after = await inspectJson(directory);
    const stayed = before.records.filter(({ batchId }) =>
      after.records.some((record) => record.batchId === batchId),
    );
    const facts = ({ batchId, state, attempts, events }) => [batchId, state, attempts, events];
    assert.deepEqual(after.records.map(facts), stayed.map(facts));
    assert.equal(after.totals.events, 9);
  });
}

test('an endpoint that nobody is at, and one that says nothing', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 3 });
  const server = await startServer(t, () => ({ hang: true }));
  const silent = await inspect(directory, '--drain', server.url, '--timeout', '1');
  assert.equal(silent.status, 1);
  assert.match(silent.stdout, /\nleft +3 events in 1 batch: the time was over\n$/);
  const gone = await startServer(t, () => ({ status: 0 }));
  const { status, stdout } = await inspect(directory, '--drain', gone.url);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^delivered {2}0 events\nleft +3 events in 1 batch: the endpoint can't be\s+reached: /,
  );
  const [{ state: left, attempts }] = (await inspectJson(directory)).records;
  assert.deepEqual([left, attempts], ['new', 0]);
});

test('a batch that is too large for the endpoint goes in parts', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 5 });
  const server = await startServer(t, ({ body }) =>
    body.events.length > 2 ? { status: 413 } : undefined,
  );
  const { status, stdout } = await inspect(directory, '--drain', server.url);
  assert.deepEqual([status, stdout], [0, 'delivered  5 events\nleft       nothing\n']);
  assert.deepEqual(sorted(numbers(server)), upTo(5));
});

test('what another process is sending is left to it, and nothing goes twice', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 10 });
  let answer = () => {};
  const answered = new Promise((resolve) => (answer = () => resolve({})));
  const slow = await startServer(t, () => answered);
  const sender = run(
    t,
    `const batch = { baseUrl: '${slow.url}' };
    telemetry.init({ serviceName: 'left behind', directory: ${JSON.stringify(directory)}, batch });
    console.log(JSON.stringify(await telemetry.flush()));`,
  );
  await until(() => slow.requests.length === 1);
  const server = await startServer(t);
  const { status, stdout } = await inspect(directory, '--drain', server.url);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^delivered {2}5 events\nleft +5 events in 1 batch: held by other processes, the last until\n +\S+Z\n$/,
  );
  answer();
  assert.equal(JSON.parse((await sender).stdout).delivered, 5);
  assert.deepEqual(sorted([...numbers(server), ...numbers(slow)]), upTo(10));
});

test('two drains at once share what there is', async (t) => {
  const directory = folder(t);
  await Promise.all([leave(t, directory, { events: 60 }), leave(t, directory, { events: 60 })]);
  const server = await startServer(t);
  const both = await Promise.all([1, 2].map(() => inspect(directory, '--drain', server.url)));
  await inspect(directory, '--drain', server.url);
  assert.deepEqual(sorted(numbers(server)), sorted([...upTo(60), ...upTo(60)]));
  const delivered = both.map(({ stdout }) => Number(/^delivered +(\d+)/.exec(stdout)?.[1]));
  assert.ok(
    delivered.every((events) => events <= 120),
    String(delivered),
  );
  assert.deepEqual(readdirSync(directory), []);
});

test('what is old, or was often refused, is sent all the same', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 5 });
  const [name] = readdirSync(directory);
  const old = (Date.now() - 30 * 86_400_000).toString(16).padStart(12, '0');
  const renamed = old + name.slice(12).replace('.0.0.5.batch', '.0.50.5.batch');
  renameSync(join(directory, name), join(directory, renamed));
  const [{ why }] = (await inspectJson(directory)).records;
  assert.match(why, /refused for now by 50 answers; older than 7 days, so that a process with the/);
  const server = await startServer(t);
  const { status, stdout } = await inspect(directory, '--drain', server.url);
  assert.deepEqual([status, stdout], [0, 'delivered  5 events\nleft       nothing\n']);
  assert.equal(server.requests[0].body.batch.attempt, 51);
});

test('a torn record is set aside and counted, and the others arrive', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 12 });
  const torn = readdirSync(directory).find((name) => name.endsWith('.2.batch'));
  truncateSync(join(directory, torn), 90);
  const server = await startServer(t);
  const { status, stdout } = await inspect(directory, '--drain', server.url);
  assert.deepEqual(
    [status, stdout],
    [1, 'delivered  10 events\ndropped    2 events: corrupt\nleft       nothing\n'],
  );
  const { status: later, setAside } = await inspectJson(directory);
  assert.equal(later, 1);
  assert.match(setAside[0].problem, /checksum is wrong/);
});

test('a denial and DO_NOT_TRACK are obeyed', async (t) => {
  const server = await startServer(t);
  const denied = folder(t);
  await leave(t, denied, { end: `telemetry.setConsent('denied'); await telemetry.flush();` });
  const refused = await inspect(denied, '--drain', server.url);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^wasm-telemetry: nothing is sent: consent was denied at \S+Z\n$/);
  const directory = folder(t);
  await leave(t, directory);
  const before = state(directory);
  const { status, stderr } = await command(['inspect', directory, '--drain', server.url], {
    DO_NOT_TRACK: '1',
  });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^wasm-telemetry: nothing is sent, the package is disabled: .*DO_NOT_TRACK=1/,
  );
  assert.deepEqual(state(directory), before);
  assert.equal(server.requests.length, 0);
});

test('what the environment says of another endpoint is not taken for the one that was named', async (t) => {
  const directory = folder(t);
  await leave(t, directory, { events: 5 });
  const other = await startServer(t);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: other.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20theirs,x-theirs=1',
    OTEL_BLRP_MAX_QUEUE_SIZE: 'nonsense',
    NODE_ENV: 'test',
  };
  const failed = await command(['inspect', directory, '--drain', nowhere], env);
  assert.equal(failed.status, 1);
  const server = await startServer(t);
  const { status } = await command(['inspect', directory, '--drain', server.url], env);
  assert.equal(status, 0);
  const [{ headers }] = server.requests;
  assert.deepEqual([headers.authorization, headers['x-theirs']], [undefined, undefined]);
  assert.equal(other.requests.length, 0);
});
