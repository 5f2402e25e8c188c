// Loads the WebAssembly, once for all instances: in Node at first use and at once, so that not even
// `process.exit()` right after the first event loses it; elsewhere from the import on, meanwhile.
import { __wbg_set_wasm } from '#bindings';
import { bytes } from '#bytes';
import { callbacks, imports, start } from '#imports';
import { inflateNow, isNodeLike } from '#platform';

/** @typedef {{ memory?: WebAssembly.Memory, reason?: string }} Loaded `memory`, or why there is none */

/** @type {Loaded | undefined} */
let loaded;
/** @type {((loaded: Loaded) => void)[]} */
let waiting = [];

if (!isNodeLike) instantiate().then(linkAll).catch(failAll);

/** Calls `done` when the WebAssembly is there or will not be: at once, if that is known. */
export function whenLoaded(/** @type {(loaded: Loaded) => void} */ done) {
  if (!loaded && isNodeLike) {
    try {
      linkAll(instantiateNow());
    } catch (error) {
      failAll(error);
    }
  }
  if (loaded) done(loaded);
  else waiting.push(done);
}

function instantiateNow() {
  return new WebAssembly.Instance(new WebAssembly.Module(inflateNow(bytes)), imports);
}

async function instantiate() {
  const { readable, writable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  // What fails there fails below, too.
  for (const step of [writer.write(decoded()), writer.close()]) step.catch(() => {});
  const module = await new Response(readable).arrayBuffer();
  return (await WebAssembly.instantiate(module, imports)).instance;
}

function decoded() {
  const { fromBase64 } = /** @type {any} */ (Uint8Array);
  // Since 2025; letter by letter takes ten times as long, while the page starts.
  if (fromBase64) return fromBase64.call(Uint8Array, bytes);
  const text = atob(bytes);
  const deflated = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) deflated[index] = text.charCodeAt(index);
  return deflated;
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
