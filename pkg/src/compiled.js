// The WebAssembly as a module that is compiled already: workerd compiles none while it runs.
import { imports } from '#imports';
import module from '#module';

export const atImport = undefined;

/** Before its first request workerd gives no random numbers, no time and no network. */
export function isTooEarly() {
  try {
    crypto.getRandomValues(new Uint8Array(1));
    return false;
  } catch {
    return true;
  }
}

export function atUse() {
  return new WebAssembly.Instance(module, imports);
}
