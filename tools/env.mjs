// Where things are, and the PATH on which the repository's commands find their tools.
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const { env: given } = process;
const home = homedir();

/** What is installed once, and not into the repository. */
export const cache = join(given.XDG_CACHE_HOME || join(home, '.cache'), 'wasm-telemetry');

/** Where tools/setup.sh installs wasm-bindgen and wasm-pack. */
export const toolsBin = join(given.WASM_TELEMETRY_TOOLS || join(cache, 'tools'), 'bin');

export const env = {
  ...given,
  PATH: [
    toolsBin,
    join(root, 'node_modules', '.bin'),
    given.PATH,
    join(given.CARGO_HOME || join(home, '.cargo'), 'bin'),
  ].join(delimiter),
};

const registry = join(given.CARGO_HOME || join(home, '.cargo'), 'registry', 'src');

/**
 * Cargo's options for a module that is shipped: panic messages must not hold the builder's own paths.
 * By `--config`, because RUSTFLAGS would replace what a configuration file says.
 */
export const cargoConfig = [
  '--config',
  `target.wasm32-unknown-unknown.rustflags=${JSON.stringify([
    `--remap-path-prefix=${registry}=/registry`,
    `--remap-path-prefix=${root.replace(/\/$/, '')}=/wasm-telemetry`,
    // Instead of 1 MiB: that much less memory, and shorter addresses of what lies behind the stack.
    '-Clink-arg=-zstack-size=131072',
    // Both make loops longer, and not quicker: docs/size.md.
    '-Cllvm-args=-disable-lsr -enable-load-pre=false',
  ])}`,
];
