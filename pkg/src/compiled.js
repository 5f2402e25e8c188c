// The WebAssembly as a module that is compiled already: workerd compiles none while it runs.
import module from '#module';

export const atImport = undefined;

export const atUse = () => module;
