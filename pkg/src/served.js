// The WebAssembly as the host gives it, for `wasm-telemetry/slim`.
import { imports } from '#imports';

export const atImport = undefined;
export const isTooEarly = undefined;

export async function atUse(/** @type {import('../index.d.ts').InitOptions} */ { wasm }) {
  let source = /** @type {any} */ (await wasm);
  if (source === undefined) throw new Error('wasm-telemetry/slim needs the option "wasm"');
  if (typeof source === 'string' || source instanceof URL) source = await fetch(source);
  if (source instanceof Response) source = await compiled(source);
  /** @type {any} */
  const made = await WebAssembly.instantiate(source, imports);
  // Of bytes there is a module, too.
  return made.instance ?? made;
}

/** While it comes, if the server says what it is. */
async function compiled(/** @type {Response} */ response) {
  if (!response.ok) throw new Error(`${response.url}: HTTP ${response.status}`);
  return response.headers.get('content-type') === 'application/wasm'
    ? WebAssembly.compileStreaming(response)
    : response.arrayBuffer();
}
