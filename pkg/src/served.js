// The WebAssembly as the host gives it, for `wasm-telemetry/slim`.
import { release } from '#imports';

export const atImport = undefined;

export async function atUse(/** @type {import('../index.d.ts').InitOptions} */ { wasm }) {
  let source = /** @type {any} */ (await wasm);
  if (source === undefined) throw new Error('wasm-telemetry/slim needs the option "wasm"');
  if (typeof source === 'string' || source instanceof URL) source = await fetch(source);
  if (source instanceof Response) source = await received(source);
  const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
  // Another release's may fit by its names and be something else.
  if (!WebAssembly.Module.imports(module).some((each) => each.module === release)) {
    throw new Error(`the WebAssembly is not that of ${release}`);
  }
  return module;
}

/** Compiled while it comes, if the server says what it is. */
async function received(/** @type {Response} */ response) {
  if (!response.ok) throw new Error(`${response.url}: HTTP ${response.status}`);
  return response.headers.get('content-type') === 'application/wasm'
    ? WebAssembly.compileStreaming(response)
    : response.arrayBuffer();
}
