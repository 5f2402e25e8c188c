import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { batch, event, startCollector } from './support.mjs';

const ROUTE = '/api/event_logging/batch';
const JSON_TYPE = { 'Content-Type': 'application/json' };

const broken = [
  ['bad JSON', 400, { headers: JSON_TYPE, body: '{"resource":' }],
  ['an empty body', 400, { headers: JSON_TYPE, body: '' }],
  [
    'bytes that are not UTF-8',
    400,
    { headers: JSON_TYPE, body: Buffer.from('{"a":"\xff"}', 'latin1') },
  ],
  ['a wrong content type', 415, { headers: { 'Content-Type': 'text/plain' }, body: '{}' }],
  ['no content type', 415, { body: Buffer.from('{}') }],
  [
    'gzip that is not',
    400,
    { headers: { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, body: 'plain' },
  ],
  [
    'gzip cut short',
    400,
    {
      headers: { ...JSON_TYPE, 'Content-Encoding': 'gzip' },
      body: gzipSync(JSON.stringify(batch())).subarray(0, 60),
    },
  ],
  ['an unknown encoding', 415, { headers: { ...JSON_TYPE, 'Content-Encoding': 'br' }, body: 'x' }],
  ['a body past the limit', 413, { headers: JSON_TYPE, body: ' '.repeat(4 * 1024 * 1024 + 1) }],
  [
    'a gzip bomb',
    413,
    {
      headers: { ...JSON_TYPE, 'Content-Encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    },
  ],
];

for (const [what, status, request] of broken) {
  test(`answers ${status} to ${what}, and goes on`, async (t) => {
    const collector = await startCollector(t);
    const response = await fetch(collector.address + ROUTE, { method: 'POST', ...request });
    assert.equal(response.status, status);
    assert.notEqual((await response.json()).error.message, '');
    assert.equal((await collector.send(batch())).status, 200);
    const state = await collector.state();
    assert.equal(state.invalidBatches, 1);
    assert.equal(state.events, 1);
  });
}

test('a chunked body past the limit gets its 413', async (t) => {
  const collector = await startCollector(t);
  const response = await fetch(collector.address + ROUTE, {
    method: 'POST',
    headers: JSON_TYPE,
    duplex: 'half',
    body: new ReadableStream({
      start(controller) {
        for (let i = 0; i < 80; i += 1) controller.enqueue(new Uint8Array(65_536).fill(32));
        controller.close();
      },
    }),
  });
  assert.equal(response.status, 413);
});

test('an upload that breaks off leaves nothing behind', async (t) => {
  const collector = await startCollector(t);
  const { port } = new URL(collector.address);
  const socket = net.connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`POST ${ROUTE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`);
  const written = new Promise((resolve) => {
    socket.write('Content-Length: 5000\r\n\r\n{"resource"', resolve);
  });
  await written;
  socket.resetAndDestroy();
  await once(socket, 'close');
  assert.equal((await collector.send(batch())).status, 200);
  assert.equal((await collector.state()).invalidBatches, 0);
});

test('garbage instead of HTTP is answered and closed', async (t) => {
  const collector = await startCollector(t);
  const socket = net.connect(Number(new URL(collector.address).port), '127.0.0.1');
  socket.end('this is no request\r\n\r\n');
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 400/);
  assert.equal((await collector.send(batch())).status, 200);
});

test('a wrong method says which is right', async (t) => {
  const collector = await startCollector(t);
  for (const [method, route, allow] of [
    ['GET', ROUTE, 'POST'],
    ['DELETE', '/api/faults', 'GET, PUT'],
    ['POST', '/api/state', 'GET'],
  ]) {
    const response = await fetch(collector.address + route, { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), allow);
  }
  assert.equal((await collector.get('/api/nothing')).status, 404);
  assert.equal((await collector.get('/api/events?limit=0')).status, 400);
  assert.equal((await collector.get('/api/events?limit=many')).status, 400);
});

test('answers pages on loopback, and nobody else', async (t) => {
  const collector = await startCollector(t);
  const preflight = (origin) =>
    fetch(collector.address + ROUTE, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Headers': 'content-type,x-shop' },
    });
  const near = await preflight('http://localhost:3000');
  assert.equal(near.status, 204);
  assert.equal(near.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  assert.equal(near.headers.get('access-control-allow-headers'), 'content-type,x-shop');
  assert.equal(near.headers.get('access-control-expose-headers'), 'Retry-After');
  const far = await preflight('https://elsewhere.example');
  assert.equal(far.headers.get('access-control-allow-origin'), null);

  const request = http.get(`${collector.address}/api/state`, {
    headers: { Host: 'elsewhere.example' },
  });
  const [response] = await once(request, 'response');
  response.resume();
  assert.equal(response.statusCode, 403);
});

test('faults touch the ingestion route, and only it', async (t) => {
  const collector = await startCollector(t);
  const set = (patch) => collector.put('/api/faults', patch);

  await set({ mode: 'down' });
  await assert.rejects(collector.send(batch()), TypeError);
  assert.equal((await collector.state()).faults.mode, 'down');

  await set({ mode: 'throttle', retryAfterSeconds: 7 });
  const throttled = await collector.send(batch());
  assert.equal(throttled.status, 429);
  assert.equal(throttled.headers.get('retry-after'), '7');

  await set({ mode: 'error500' });
  assert.equal((await collector.send(batch())).status, 500);
  assert.equal((await collector.state()).batches, 0);

  await set({ mode: 'slow', delayMillis: 60_000 });
  const abort = new AbortController();
  const slow = fetch(collector.address + ROUTE, {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify(batch()),
    signal: abort.signal,
  });
  while ((await collector.state()).events === 0);
  abort.abort();
  await assert.rejects(slow, { name: 'AbortError' });

  await set({ mode: 'ok' });
  assert.equal((await collector.send(batch({ seq: 2 }))).status, 200);
});

test('a fault that does not exist is refused and changes nothing', async (t) => {
  const collector = await startCollector(t);
  for (const patch of [
    { mode: 'sideways' },
    { delayMillis: -1 },
    { delayMillis: '10' },
    { retryAfterSeconds: 1e9 },
    { other: 1 },
    [],
    null,
  ]) {
    const { status, body } = await collector.put('/api/faults', patch);
    assert.equal(status, 400, JSON.stringify(patch));
    assert.notEqual(body.error.message, '');
  }
  assert.equal((await collector.get('/api/faults')).body.mode, 'ok');
});

test('gives the configuration back as it was put, sound or not', async (t) => {
  const collector = await startCollector(t);
  assert.deepEqual((await collector.get('/api/config')).body, {});
  const config = { killed: true, batch: { maxQueueSize: 'many', newer: 1 } };
  assert.equal((await collector.put('/api/config', config)).status, 200);
  assert.deepEqual((await collector.get('/api/config')).body, config);
  assert.equal((await collector.put('/api/config', [])).status, 400);
  assert.deepEqual((await collector.get('/api/config')).body, config);
});

test('serves the page and nothing outside of its folder', async (t) => {
  const page = fileURLToPath(new URL('../../www/collector', import.meta.url));
  const collector = await startCollector(t, { page });
  const found = await fetch(`${collector.address}/server.mjs`);
  assert.equal(found.status, 200);
  assert.match(found.headers.get('content-security-policy'), /'wasm-unsafe-eval'/);
  for (const route of [
    '/..%2f..%2fpackage.json',
    '/%2e%2e/package.json',
    '/nothing',
    '/',
    '/a%00b',
  ]) {
    assert.equal((await fetch(collector.address + route)).status, 404, route);
  }
  assert.equal((await fetch(`${collector.address}/%ff`)).status, 400);
});

test('the program starts on a free port, keeps what came, and ends cleanly', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'collector-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const db = path.join(folder, 'a folder', 'telemetry.db');
  const sent = batch({ events: [event(), event()] });

  for (const duplicates of [0, 2]) {
    const { child, address } = await startProgram(['--port', '0', '--db', db]);
    const response = await fetch(address + ROUTE, {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify(sent),
    });
    assert.equal(response.status, 200);
    const state = await (await fetch(`${address}/api/state`)).json();
    assert.equal(state.events, 2);
    assert.equal(state.duplicates, duplicates);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  }
});

test('the program explains itself, and names a bad option', async () => {
  assert.match((await run(['--help'])).stdout, /--port N/);
  for (const args of [['--port', 'x'], ['--port', '70000'], ['--page', '/no/such'], ['--what']]) {
    const { code, stderr } = await run(args);
    assert.equal(code, 1, args.join(' '));
    assert.ok(stderr.includes(args[0]), stderr);
  }
});

const PROGRAM = fileURLToPath(new URL('../../www/collector/demo/main.mjs', import.meta.url));

async function startProgram(args) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const address = line.match(/listening on (\S+)/)?.[1];
    if (address) return { child, address };
  }
  throw new Error('the collector did not start');
}

async function run(args) {
  const child = spawn(process.execPath, [PROGRAM, ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}
