// Node, Deno and Bun give their modules through `process.getBuiltinModule`: a static `node:` import
// would stop bundlers.

/** Not by its bare name: a bundler that knows no exports (Parcel) would add a polyfill of it. */
export const { process } = globalThis;

/** True in Node and what behaves like it, save versions before `getBuiltinModule` (Node 20.16). */
export const isNodeLike =
  typeof process?.versions?.node === 'string' && typeof process.getBuiltinModule === 'function';

/**
 * In Deno, what was not granted is not there: it would throw, or ask whoever sits at the terminal.
 * @param {{ name: string, variable?: string, path?: string, kind?: string }} permission
 * @returns {boolean}
 */
export function isGranted(permission) {
  const { Deno } = /** @type {any} */ (globalThis);
  return !Deno?.permissions || Deno.permissions.querySync(permission).state === 'granted';
}

/** Whether a variable of the environment may be looked at. */
export const mayRead = (/** @type {string} */ variable) => isGranted({ name: 'env', variable });

/** A variable of the environment, if it may be looked at. */
export const variable = (/** @type {string} */ name) =>
  mayRead(name) ? process.env[name] : undefined;

/** @type {typeof process.getBuiltinModule} */
export const builtin = (/** @type {string} */ id) => {
  const module = process.getBuiltinModule(id);
  if (!module) throw new Error(`this runtime has no ${id}`);
  return /** @type {any} */ (module);
};
