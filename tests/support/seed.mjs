import { randomInt } from 'node:crypto';

/**
 * Where the dice of these tests start. Without `SEED` always the same, so that a red run is its change's
 * doing; `SEED=fresh`, as in `make hostile`, looks for what nobody has met yet.
 */
const { SEED = '1' } = process.env;
export const seed = SEED === 'fresh' ? randomInt(2 ** 31) : Number(SEED);
