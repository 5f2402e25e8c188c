// Copies of what the host passed: it may change its object later, and whatever its getters do happens
// here, once, outside of the WebAssembly.

/** Stands for a value that could not be read. It is refused like any other that is not allowed. */
export const unreadable = Symbol('a value that could not be read');

/**
 * @template T
 * @param {T} source
 * @param {(value: unknown) => unknown} [copyValue]
 * @param {object} [known] keys that were read already
 * @returns {T} the own enumerable keys; what is no object, or a list, as it is
 */
export function snapshot(source, copyValue, known) {
  const copy = /** @type {any} */ ({ __proto__: null, ...known });
  try {
    if (!holdsFields(source)) return source;
    for (const key of Object.keys(/** @type {object} */ (source))) {
      if (!(key in copy)) copy[key] = read(source, key, copyValue);
    }
  } catch {
    // A proxy that does not even tell its keys.
    return /** @type {any} */ (unreadable);
  }
  return copy;
}

/** The items of a list are no fields: the bytes of a text are numbers, too. */
export const holdsFields = (/** @type {unknown} */ value) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value);

function read(
  /** @type {any} */ source,
  /** @type {string} */ key,
  /** @type {((value: unknown) => unknown) | undefined} */ copyValue,
) {
  try {
    const value = source[key];
    return copyValue ? copyValue(value) : value;
  } catch {
    return unreadable;
  }
}

/** An exposure's attributes are sent as JSON, so that is how deep its copy goes. */
export const exposureSnapshot = (/** @type {import('../index.d.ts').Exposure} */ exposure) =>
  snapshot(exposure, (value) => {
    if (typeof value !== 'object' || value === null) return value;
    const copy = JSON.parse(JSON.stringify(value));
    // An object that becomes a text is none that anybody meant to send.
    return typeof copy === 'object' ? copy : unreadable;
  });

/** A patch holds groups, these hold fields, and these may hold objects again. */
export const patchSnapshot = (/** @type {unknown} */ patch) =>
  snapshot(patch, (group) => snapshot(group, (field) => snapshot(field)));
