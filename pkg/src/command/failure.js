import { parseArgs } from 'node:util';

/** Ends the command by a message, and by an exit status. */
export class Failure extends Error {
  constructor(/** @type {number} */ status, /** @type {string} */ message) {
    super(message);
    this.status = status;
  }
}

/** The command was not understood. */
export class Misuse extends Failure {
  constructor(/** @type {string} */ message, /** @type {string} */ usage) {
    super(2, `${message}\n\n${usage}`);
  }
}

/**
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} Options
 * @param {string[]} args
 * @param {Options} options
 * @param {string} usage
 */
export function understood(args, options, usage) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Misuse(messageOf(error), usage);
  }
}

export const messageOf = (/** @type {unknown} */ error) =>
  error instanceof Error ? error.message : String(error);

/** @returns {string} the system's word for it, or nothing */
export const codeOf = (/** @type {any} */ error) => error?.code ?? '';
