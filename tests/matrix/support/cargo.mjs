import { execFileSync } from 'node:child_process';
import { env, root } from '../../../tools/env.mjs';

/** @returns {string} what cargo, in the repository, printed */
export function cargo(/** @type {string[]} */ ...args) {
  return execFileSync('cargo', [...args, '--locked', '--target', 'wasm32-unknown-unknown'], {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
}
