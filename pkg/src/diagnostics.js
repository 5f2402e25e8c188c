import { print } from './print.js';

/**
 * Tells the host's developer, as the WebAssembly does it too.
 * @param {import('../index.d.ts').InitOptions} options
 * @param {import('../index.d.ts').Diagnostic} diagnostic
 */
export function tell({ onDiagnostic, debug }, diagnostic) {
  try {
    if (debug) print(diagnostic);
    onDiagnostic?.(diagnostic);
  } catch {
    // The host's own; logging must not break it, nor it logging.
  }
}
