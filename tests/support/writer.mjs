// Logs events with `write-ahead` until it is killed, and says which of them it saw stored: a line with a
// batch's id and its number of events, for each file that came or grew.
import { readdirSync, writeSync } from 'node:fs';
import { init, logEvent } from '../../pkg/dist/index.js';

const { holder: run, directory, batch } = JSON.parse(process.argv[2]);

const headers = { 'X-Holder': String(run) };
init({ serviceName: 'tested', directory, durability: 'write-ahead', batch, headers });

let n = 0;
setInterval(() => {
  for (let count = n % 7; count >= 0; count -= 1) {
    logEvent('counted', { run, n });
    n += 1;
  }
}, 3);

/** @type {Map<string, number>} */
const told = new Map();
setInterval(() => {
  for (const name of readdirSync(directory)) {
    const [, id, events] = /^[0-9a-f]{12}-(.{36})\.\d+\.\d+\.(\d+)\.batch$/.exec(name) ?? [];
    if (!(Number(events) > (told.get(id) ?? 0))) continue;
    told.set(id, Number(events));
    // At once and whole, for the end may come right after.
    writeSync(1, `${id} ${events}\n`);
  }
}, 2);
