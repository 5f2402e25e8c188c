// Plants traps: wraps what an instance of the WebAssembly imports and exports, so that a call throws what a trap
// throws, through whatever frames of it there are. To be imported before the package.

/** @type {WebAssembly.Memory[]} of the instances that were made, in their order */
export const memories = [];
/** Calls over the border since `plant`, of instances that were made since. */
export let calls = 0;

/** @typedef {(call: number) => boolean} Strikes */
/** @type {Strikes} */
let strikes = () => false;

/** @param {Strikes} when is asked for every call, with its number */
export function plant(when) {
  calls = 0;
  strikes = when;
  planting += 1;
}
let planting = 0;

/** The same for the instances that are there. */
export function strike(/** @type {Strikes} */ when) {
  calls = 0;
  strikes = when;
}

const { Instance, instantiate } = WebAssembly;

/** Node's HTTP parser is WebAssembly, too. */
const isOurs = (/** @type {WebAssembly.Imports | undefined} */ imports) =>
  Object.keys(imports ?? {}).some((name) => name.startsWith('wasm-telemetry '));

WebAssembly.Instance = /** @type {any} */ (Planted);
WebAssembly.instantiate = /** @type {any} */ (
  async (/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports} */ imports) =>
    isOurs(imports)
      ? shown(await instantiate(module, wrappedImports(imports)))
      : instantiate(module, imports)
);

function Planted(
  /** @type {WebAssembly.Module} */ module,
  /** @type {WebAssembly.Imports} */ imports,
) {
  if (!isOurs(imports)) return new Instance(module, imports);
  return shown(new Instance(module, wrappedImports(imports)));
}

function shown(/** @type {WebAssembly.Instance} */ { exports }) {
  memories.push(/** @type {WebAssembly.Memory} */ (exports.memory));
  return { exports: wrapped(exports) };
}

function wrappedImports(/** @type {WebAssembly.Imports} */ imports) {
  return Object.fromEntries(
    Object.entries(imports).map(([from, names]) => [from, wrapped(/** @type {any} */ (names))]),
  );
}

function wrapped(/** @type {Record<string, any>} */ functions) {
  // What an earlier run of a test has left may still be called.
  const own = planting;
  const wrap = (/** @type {any} */ each) =>
    typeof each === 'function'
      ? (/** @type {any[]} */ ...args) => {
          if (own === planting) calls += 1;
          if (own === planting && strikes(calls)) throw new WebAssembly.RuntimeError('planted');
          return each(...args);
        }
      : each;
  return Object.fromEntries(Object.entries(functions).map(([name, each]) => [name, wrap(each)]));
}
