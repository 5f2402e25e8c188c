// Delivers what is left in a directory, and prints its ledger.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { flush, init, stats } from '../../pkg/dist/index.js';

const { holder, directory, batch } = JSON.parse(process.argv[2]);
init({ serviceName: 'tested', directory, batch, headers: { 'X-Holder': String(holder) } });
while (readdirSync(directory).some((name) => name.endsWith('.batch'))) {
  await flush();
  await sleep(50);
}
process.stdout.write(JSON.stringify(stats().ledger));
