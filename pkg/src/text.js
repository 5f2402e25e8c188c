// The build puts these in place of the globals: Jest's jsdom runs in Node and hides them.
import { builtin } from './runtime.js';

export const { TextDecoder, TextEncoder } =
  typeof globalThis.TextDecoder === 'function' ? globalThis : builtin('node:util');
