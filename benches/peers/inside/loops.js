// What is timed. In functions of their own, which the engine has compiled when it counts.

export function logAll(side, { name, fields, verified }, from, to) {
  for (let n = from; n < to; n += 1) side.log(name(n), fields(n, verified));
}

/** @returns {number} so that nothing is optimized away */
export function stringifyAll({ fields }, from, to) {
  let length = 0;
  for (let n = from; n < to; n += 1) length += JSON.stringify(fields(n, asIs) ?? {}).length;
  return length;
}

/** Only makes what the others are given: not their price. */
export function makeAll({ fields }, from, to) {
  for (let n = from; n < to; n += 1) made = fields(n, asIs);
  return made;
}
/** Kept, so that it is made. */
let made;

export const asIs = (/** @type {string} */ text) => text;
