// The WebAssembly from the package's own text: in Node at first use and at once, so that not even
// `process.exit()` right after the first event loses it; elsewhere from the import on, meanwhile.
import { bytes } from '#bytes';
import { inflateNow, isNodeLike } from '#platform';

export const atImport = isNodeLike ? undefined : compile;

export function atUse() {
  return new WebAssembly.Module(inflateNow(bytes));
}

async function compile() {
  const { readable, writable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  // What fails there fails below, too.
  for (const step of [writer.write(decoded()), writer.close()]) step.catch(() => {});
  return WebAssembly.compile(await new Response(readable).arrayBuffer());
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
