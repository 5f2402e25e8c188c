// Calls of every public function with text where none is allowed. Runs in Node and in a page.
import { carrier, carrying } from './values.mjs';

/** @typedef {import('./values.mjs').Dice} Dice */

export const good = ['items', 'total', 'express', 'plan', 'seconds'];

/**
 * @param {any} telemetry
 * @param {Dice} dice
 * @param {object} words
 * @param {string} words.value what no value may carry away
 * @param {string} [words.key] what no key and no name may carry away, where events are declared
 */
export function callHostile(telemetry, dice, { value, key }) {
  const bad = () => carrier(dice, value);
  const sound = () => dice.pick([0, 1, -3.5, 1e300, true, false, undefined]);
  const badKey = () => (key ? `${key} ${dice.between(0, 99)}` : `odd_${dice.between(0, 20)}`);
  const metadata = () => {
    const entries = /** @type {[string, any][]} */ ([]);
    for (let count = dice.between(0, 6); count > 0; count -= 1) {
      const name = dice.between(0, 3) > 0 ? dice.pick(good) : badKey();
      entries.push([name, dice.between(0, 2) > 0 ? bad() : sound()]);
    }
    return dice.between(0, 9) === 0 ? bad() : carrying(dice, entries, value);
  };
  const notText = () => {
    const given = bad();
    return typeof given === 'string' ? { given } : given;
  };
  const patch = () => ({
    [dice.pick(['batch', 'sampling', 'killed', 'else'])]: dice.pick([
      bad(),
      { path: notText(), skipAuth: bad(), maxQueueSize: bad(), until: bad(), stored: bad() },
      { checkout: { sample_rate: bad(), by: bad() } },
    ]),
  });
  const acts = [
    () => telemetry.logEvent(dice.pick(['checkout', 'seen']), metadata()),
    () => telemetry.logEvent(dice.pick(['checkout', 'seen']), metadata()),
    () => telemetry.logEvent(dice.pick(['checkout', 'seen']), metadata()),
    () => telemetry.logEvent('checkout', { items: 1, express: true, total: 2.5 }),
    () => telemetry.logEvent('checkout', { items: 1, express: true, total: bad() }),
    () => telemetry.logEvent(key ? badKey() : notText(), { items: 1 }),
    () => telemetry.logEvent(notText(), metadata()),
    () =>
      telemetry.logExperiment({
        experimentId: dice.pick(['nav', notText()]),
        variationId: dice.pick([1, bad()]),
        userAttributes: dice.pick([undefined, { plan: 'pro' }, value]),
        experimentMetadata: dice.pick([undefined, value]),
        note: bad(),
        sessionId: bad(),
        toJSON: bad(),
      }),
    () => telemetry.logExperiment(dice.pick([bad(), [bad()]])),
    () => telemetry.updateConfig(dice.pick([bad(), patch(), patch()])),
    () => telemetry.setContext(dice.pick([{ region: notText() }, 7])),
    () => telemetry.setUser({ userId: notText(), tier: notText() }),
    () => telemetry.setConsent(bad()),
    () => telemetry.logEvent('checkout', { plan: telemetry.verified(notText()) }),
    () => telemetry.flush(dice.pick([bad(), { timeoutMillis: bad() }])),
    () => telemetry.stats(),
  ];
  return dice.pick(acts)();
}
