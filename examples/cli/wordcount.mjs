#!/usr/bin/env node
// A small tool that counts lines, words and bytes, and logs what it did. It never waits for its own
// events: it ends by process.exit(), and what is left then goes out during the next run.

import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { flush, init, logEvent, verified } from 'wasm-telemetry';

const HELP = `Usage: node wordcount.mjs FILE…

Counts the lines, words and bytes of each FILE.

  --help             print this and leave

Environment:
  TELEMETRY_URL      where events go (default http://127.0.0.1:8787)
  TELEMETRY_FORMAT   json (default), otlp-json or otlp-protobuf
  DO_NOT_TRACK=1     log nothing
`;

// How long a run may be held up by an earlier run's events, when their server does not answer.
const EARLIER_MILLIS = 500;
const SPACES = new Set([9, 10, 11, 12, 13, 32]);

const { values, positionals: files } = options();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (files.length === 0) fail('name at least one file');

const started = performance.now();
init({
  serviceName: 'wordcount',
  serviceVersion: '1.0.0',
  format: process.env.TELEMETRY_FORMAT || 'json',
  batch: { baseUrl: process.env.TELEMETRY_URL || 'http://127.0.0.1:8787' },
});
// There is nothing of this run yet, so this sends what earlier ones left, while the counting goes on.
const earlier = flush({ timeoutMillis: EARLIER_MILLIS });

logEvent('command_started', {
  files: files.length,
  node: Number.parseInt(process.versions.node, 10),
});
let failed = 0;
for (const file of files) {
  const begun = performance.now();
  try {
    const { lines, words, bytes } = await count(file);
    console.log(`${pad(lines)} ${pad(words)} ${pad(bytes)}  ${file}`);
    logEvent('file_counted', { lines, words, bytes, millis: performance.now() - begun });
  } catch (error) {
    failed += 1;
    console.error(`wordcount: ${file}: ${error.message}`);
    // The code is one of the system's own words; the message would hold the path.
    logEvent('file_failed', { code: verified(String(error.code)) });
  }
}
await earlier;
logEvent('command_finished', {
  files: files.length,
  failed,
  ok: failed === 0,
  millis: performance.now() - started,
});
process.exit(failed > 0 ? 1 : 0);

async function count(file) {
  let lines = 0;
  let words = 0;
  let bytes = 0;
  let inWord = false;
  for await (const chunk of createReadStream(file)) {
    bytes += chunk.length;
    for (const byte of chunk) {
      if (byte === 10) lines += 1;
      const space = SPACES.has(byte);
      if (!space && !inWord) words += 1;
      inWord = !space;
    }
  }
  return { lines, words, bytes };
}

function options() {
  try {
    return parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' } } });
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  console.error(`wordcount: ${message}\n\n${HELP}`);
  process.exit(2);
}

function pad(value) {
  return String(value).padStart(8);
}
