// Lines for whoever sits at a terminal, or reads a log.
import { process, variable } from './runtime.js';

/** To stderr: a program's output is its own. */
export function write(
  /** @type {string | number} */ what,
  /** @type {string} */ text,
  /** @type {boolean | undefined} */ warns = undefined,
) {
  const colours = process?.stderr?.isTTY && !variable('NO_COLOR');
  const paint = (/** @type {number} */ colour, /** @type {string} */ part) =>
    colours ? `\x1b[${colour}m${part}\x1b[0m` : part;
  // Names are the program's, or its user's: they must not steer the terminal.
  const line = text.replaceAll(/\p{Cc}/gu, ' ');
  console.warn(`${paint(1, 'wasm-telemetry')} ${paint(warns ? 33 : 2, `${what}:`)} ${line}`);
}
