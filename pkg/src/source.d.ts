// Where the WebAssembly comes from: `inlined.js`, `served.js` or `compiled.js`, as the build chooses.
import type { InitOptions } from '../index.d.ts';

/** Begins with the import, where that is wanted. */
export const atImport: (() => Promise<WebAssembly.Module>) | undefined;

/** Begins with the first instance, if it has not begun yet. */
export function atUse(options: InitOptions): WebAssembly.Module | Promise<WebAssembly.Module>;
