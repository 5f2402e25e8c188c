#!/usr/bin/env node
// A tool that ends by itself: its events are sent at its end, and the process waits for the answer.

import { init, logEvent } from 'wasm-telemetry';

init({
  serviceName: 'smallest',
  batch: { baseUrl: process.env.TELEMETRY_URL || 'http://127.0.0.1:8787' },
});
logEvent('command_run', { args: process.argv.length - 2, terminal: process.stdout.isTTY === true });
console.log('done');
