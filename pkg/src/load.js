// Loads the WebAssembly, once for all instances. Where it comes from, and when, is `#source`'s.
import { __wbg_set_wasm } from '#bindings';
import { callbacks, start } from '#imports';
import { atImport, atUse } from '#source';
import { needStack } from './stack.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */
/** @typedef {{ memory?: WebAssembly.Memory, reason?: string }} Loaded `memory`, or why there is none */

/** @type {Loaded | undefined} */
let loaded;
let begun = false;
/** @type {((loaded: Loaded) => void)[]} */
let waiting = [];

if (atImport) begin(atImport);

/** Begins, if that has not happened yet. */
export function load(/** @type {InitOptions} */ options) {
  if (!begun) begin(() => atUse(options));
}

/** Calls `done` when the WebAssembly is there or will not be: at once, if that is known. */
export function whenLoaded(/** @type {(loaded: Loaded) => void} */ done) {
  if (loaded) done(loaded);
  else waiting.push(done);
}

/** @param {() => WebAssembly.Instance | Promise<WebAssembly.Instance>} instantiate */
function begin(instantiate) {
  begun = true;
  try {
    const made = instantiate();
    if ('then' in made) made.then(linkAll).catch(failAll);
    else linkAll(made);
  } catch (error) {
    failAll(error);
  }
}

function linkAll(/** @type {WebAssembly.Instance} */ { exports }) {
  __wbg_set_wasm(guarded(exports));
  if (start) /** @type {any} */ (exports)[start]();
  settle({ memory: /** @type {WebAssembly.Memory} */ (exports.memory) });
}

/**
 * What timers and requests call back. If the core fails there, for lack of memory say, that must not
 * reach the host: the next call of an instance fails too, and tells.
 * @param {WebAssembly.Exports} exports
 */
function guarded(exports) {
  const quiet =
    (/** @type {Function} */ call) =>
    (/** @type {unknown[]} */ ...args) => {
      try {
        needStack();
        return call(...args);
      } catch {
        return undefined;
      }
    };
  const all = Object.entries(exports).map(([name, value]) =>
    callbacks.includes(name) ? [name, quiet(/** @type {Function} */ (value))] : [name, value],
  );
  return Object.fromEntries(all);
}

function failAll(/** @type {unknown} */ error) {
  settle({ reason: String(error) });
}

function settle(/** @type {Loaded} */ outcome) {
  loaded = outcome;
  const all = waiting;
  waiting = [];
  for (const done of all) done(outcome);
}
