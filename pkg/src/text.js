// The build puts these in place of the globals. Jest's jsdom hides them; where they are missing because
// the engine is old, there is no WebAssembly either, and importing the package still must not throw.
import { builtin, isNodeLike } from './runtime.js';

class Nothing {
  decode() {}
  encodeInto() {}
}

function missing() {
  return isNodeLike ? builtin('node:util') : { TextDecoder: Nothing, TextEncoder: Nothing };
}

export const { TextDecoder, TextEncoder } =
  typeof globalThis.TextDecoder === 'function' ? globalThis : missing();
