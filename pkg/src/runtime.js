// Node, Deno and Bun give their modules through `process.getBuiltinModule`: a static `node:` import
// would stop bundlers.

const { process } = globalThis;

/** True in Node and what behaves like it, save versions before `getBuiltinModule` (Node 20.16). */
export const isNodeLike =
  typeof process?.versions?.node === 'string' && typeof process.getBuiltinModule === 'function';

/** @type {typeof process.getBuiltinModule} */
export const builtin = (/** @type {string} */ id) => {
  const module = process.getBuiltinModule(id);
  if (!module) throw new Error(`this runtime has no ${id}`);
  return /** @type {any} */ (module);
};
