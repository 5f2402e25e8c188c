// The WebAssembly as a module that is compiled already: workerd compiles none while it runs.
import { imports } from '#imports';
import module from '#module';

export const atImport = undefined;

export function atUse() {
  return new WebAssembly.Instance(module, imports);
}
