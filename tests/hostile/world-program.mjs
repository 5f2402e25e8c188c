// Lives in a hostile world, and prints what `stats()` tells at the end.
import * as telemetry from '../../pkg/dist/index.js';
import { dice } from '../support/dice.mjs';
import { live } from './world.mjs';

const [seed, calls] = process.argv.slice(2).map(Number);
const stats = await live(telemetry, dice(seed), calls);
process.stdout.write(JSON.stringify(stats), () => process.exit(0));
