// The events that all sides log. A new object for each, as programs make it.

/** Events in one round. */
export const events = 10_000;
export const eventName = 'checkout_started';

const eight = (n) => ({
  items: n,
  price: n * 1.25,
  width: 1920,
  height: 1080,
  scroll: n % 100,
  express: n % 2 === 0,
  returning: true,
  dark: false,
});

const names = Array.from({ length: 1_000 }, (_, index) => `event_${index}`);
/** Makes objects of so many fields, by a literal, as programs do. */
export function wide(keys) {
  const rest = Array.from({ length: keys - 1 }, (_, index) => `field_${index}: ${index * 1.5}`);
  return new Function('n', `return { items: n, ${rest.join()} };`);
}

const texts = ['checkout', 'overview of the basket', 'GBP', 'direct'];

/**
 * What is logged, by the number of the event. `fields` may take `verified`, by which a side marks a text.
 * @type {Record<string, { name?: (n: number) => string, fields: (n: number, verified: Function) => any }>}
 */
export const scenarios = {
  '8 fields': { fields: eight },
  '1 field': { fields: (n) => ({ items: n }) },
  '0 fields': { fields: () => undefined },
  '8 fields, 3 of them verified strings': {
    fields: (n, verified) => ({
      items: n,
      price: n * 1.25,
      width: 1920,
      express: n % 2 === 0,
      returning: true,
      page: verified(texts[n & 3]),
      title: verified('basket'),
      currency: verified('GBP'),
    }),
  },
  '64 fields': { fields: wide(64) },
  '8 fields, 1,000 names in turn': { name: (n) => names[n % 1_000], fields: eight },
  'two shapes in turn': {
    fields: (n) => (n % 2 === 0 ? eight(n) : { step: n, done: true, seconds: n / 8 }),
  },
  'a key never seen before in each': {
    fields: (n) => {
      fresh += 1;
      return { [`key_${fresh}`]: n, width: 1920, height: 1080, express: true };
    },
  },
};
let fresh = 0;

/** Repeated when a side has met all the others. */
export const firstAgain = '8 fields, after all of these';
scenarios[firstAgain] = { fields: eight };
