// Loads the WebAssembly, once for all instances of `Telemetry`. Where it comes from, and when, is `#source`'s.
// If it traps there is another instance of it, a few times.
import { bind } from '#bindings';
import { callbacks, start } from '#imports';
import { atImport, atUse } from '#source';
import { needStack } from './stack.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */
/** @typedef {import('#bindings').Bound} Bound */
/** @typedef {import('#bindings').Client} Client */

/**
 * @typedef {object} Core an instance of the WebAssembly
 * @property {Bound['Client']} Client
 * @property {WebAssembly.Memory} memory
 */

/**
 * @typedef {object} Loaded
 * @property {Core} [core] none if there will be none
 * @property {string} [reason] why there is none, or another one
 * @property {boolean} [last] nothing is logged from now on: it is there to store what is left
 */

const mostTraps = 3;

export let traps = 0;

/** @type {WebAssembly.Module} */
let module;
/** @type {Core | undefined} */
let current;
/** @type {Loaded | undefined} */
let loaded;
let begun = false;
/** @type {Set<(loaded: Loaded) => void>} */
const users = new Set();

if (atImport) begin(atImport);

/** Begins, if that has not happened yet. */
export function load(/** @type {InitOptions} */ options) {
  if (!begun) begin(() => atUse(options));
}

/** Calls `use` when the WebAssembly is there or will not be: at once, if that is known. And after each trap. */
export function whenLoaded(/** @type {(loaded: Loaded) => void} */ use) {
  users.add(use);
  if (loaded) use(loaded);
}

/** Ends that. */
export function forget(/** @type {(loaded: Loaded) => void} */ use) {
  users.delete(use);
}

/**
 * The core threw: what it was about is half done, and everything in it may be locked for ever.
 * @param {Core | undefined} core
 * @param {unknown} error
 */
export function trapped(core, error) {
  // Another call may have told it already.
  if (!core || core !== current) return;
  traps += 1;
  const reason = String(error);
  const last = traps >= mostTraps;
  loaded = { reason };
  try {
    const bound = bind();
    link(bound, new WebAssembly.Instance(module, bound.imports));
    loaded = { core: current, reason, last };
  } catch {
    // No memory for another one, say.
    current = undefined;
  }
  settle(loaded);
  if (last) users.clear();
  loaded = last || !current ? { reason } : { core: current };
}

/** @param {() => WebAssembly.Module | Promise<WebAssembly.Module>} compile */
function begin(compile) {
  begun = true;
  const fail = (/** @type {unknown} */ error) => settle({ reason: String(error) });
  try {
    const bound = bind();
    const compiled = compile();
    if ('then' in compiled) {
      compiled
        .then((made) => {
          module = made;
          return WebAssembly.instantiate(made, bound.imports);
        })
        .then((instance) => settle({ core: link(bound, instance) }))
        .catch(fail);
    } else {
      module = compiled;
      settle({ core: link(bound, new WebAssembly.Instance(module, bound.imports)) });
    }
  } catch (error) {
    fail(error);
  }
}

/**
 * @param {Bound} bound
 * @param {WebAssembly.Instance} instance
 */
function link(bound, { exports }) {
  const core = { Client: bound.Client, memory: /** @type {WebAssembly.Memory} */ (exports.memory) };
  bound.__wbg_set_wasm(guarded(exports, core));
  if (start) /** @type {any} */ (exports)[start]();
  current = core;
  return core;
}

/**
 * What timers and requests call back. If the core fails there, for lack of memory say, that must not
 * reach the host. To an instance that is no more nothing happens.
 * @param {WebAssembly.Exports} exports
 * @param {Core} core
 */
function guarded(exports, core) {
  const quiet =
    (/** @type {Function} */ call) =>
    (/** @type {unknown[]} */ ...args) => {
      let entered = false;
      try {
        if (core !== current) return undefined;
        needStack();
        entered = true;
        return call(...args);
      } catch (error) {
        if (entered) trapped(core, error);
        return undefined;
      }
    };
  const all = Object.entries(exports).map(([name, value]) =>
    callbacks.includes(name) ? [name, quiet(/** @type {Function} */ (value))] : [name, value],
  );
  return Object.fromEntries(all);
}

function settle(/** @type {Loaded} */ outcome) {
  loaded = outcome;
  for (const use of users) use(loaded);
}
