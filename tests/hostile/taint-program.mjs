// Calls every public function with hostile values, and ends as it is told.

import * as telemetry from '../../pkg/dist/index.js';
import { init } from '../../pkg/dist/index.js';
import { dice } from '../support/dice.mjs';
import { callHostile } from './calls.mjs';
import { carrier } from './values.mjs';

/** In strict mode misuse throws. */
function call() {
  try {
    callHostile(telemetry, random, words);
  } catch (error) {
    console.log(String(error));
  }
}

const { seed, calls, options, words, end, early } = JSON.parse(process.argv[2]);
const random = dice(seed);
const enrich = () =>
  random.pick([
    () => ({ plan: carrier(random, words.value), seconds: 3 }),
    () => carrier(random, words.value),
    () => Promise.reject(new Error(words.value)),
    () => {
      throw new Error(words.value);
    },
  ])();
// Before there is an instance, too.
for (let n = 0; n < early; n += 1) call();
init({ ...options, debug: true, enrich: options.enrich ? enrich : undefined });
for (let n = 0; n < calls; n += 1) {
  call();
  if (n % 100 === 99) await telemetry.flush({ timeoutMillis: 2_000 });
}
telemetry.logEvent('seen', { plan: telemetry.verified('meant to leave') });
console.log(JSON.stringify(telemetry.stats()));
if (end === 'exit') process.exit(0);
if (end === 'kill') process.kill(process.pid, 'SIGKILL');
if (end === 'flush') await telemetry.shutdown();
