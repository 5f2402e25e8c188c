// What the ingestion route does on purpose, to show what the client makes of it.

const MODES = ['ok', 'down', 'slow', 'throttle', 'error500'];
const MAX_DELAY_MILLIS = 60_000;
const MAX_RETRY_AFTER_SECONDS = 3_600;

export function faultSwitch() {
  let state = { mode: 'ok', delayMillis: 3_000, retryAfterSeconds: 3 };
  return {
    get: () => state,

    /** Takes a part of the state; throws a `TypeError` that names what is wrong with it. */
    set(patch) {
      if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) {
        throw new TypeError('faults must be an object like {"mode":"down"}');
      }
      for (const key of Object.keys(patch)) {
        if (!Object.hasOwn(state, key))
          throw new TypeError(`${key} is not a setting of the faults`);
      }
      const next = { ...state, ...patch };
      if (!MODES.includes(next.mode))
        throw new TypeError(`mode must be one of ${MODES.join(', ')}`);
      wholeNumber('delayMillis', next.delayMillis, MAX_DELAY_MILLIS);
      wholeNumber('retryAfterSeconds', next.retryAfterSeconds, MAX_RETRY_AFTER_SECONDS);
      state = next;
      return state;
    },
  };
}

function wholeNumber(name, value, max) {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new TypeError(`${name} must be a whole number from 0 to ${max}`);
  }
}
