// A signal that would end the process: what is in memory is stored first, and the signal means what it
// means without us.
//
// Ours is the first listener, and while the others are called it is not among them. So whoever asks then
// whether nobody else listens, in order to let the signal end the process (a second copy of this package,
// and many a library that cleans up), gets the answer that it would get without us.
import { builtin, isGranted, process } from './runtime.js';

const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** The mark of a listener of this package's, whichever copy it belongs to. */
const ours = Symbol.for('wasm-telemetry.signal');

/**
 * @param {(ends: boolean) => void} store called at a signal; `ends`: the process does not go on
 * @returns {() => void} what takes the listeners away
 */
export function watchSignals(store) {
  // Windows has no signal that could be sent again, and a worker thread gets none.
  if (process.platform === 'win32' || !builtin('node:worker_threads').isMainThread) return () => {};
  let stopped = false;
  /** Whether a listener of the host's was taken away in this very task, `once` it was called, say. */
  let answered = false;

  const noteRemoved = (/** @type {string | symbol} */ name, /** @type {any} */ listener) => {
    if (!signals.some((signal) => signal === name) || listener[ours]) return;
    answered = true;
    process.nextTick(() => {
      answered = false;
    });
  };
  const listeners = signals.map((signal) => {
    const listener = () => {
      const alone = !answered && process.listenerCount(signal) === 1;
      store(alone);
      process.removeListener(signal, listener);
      if (alone) sendAgain(signal);
      else process.nextTick(listen);
    };
    const listen = () => {
      if (stopped || process.listeners(signal).includes(listener)) return;
      try {
        process.prependListener(signal, listener);
      } catch {
        // A runtime without this signal.
      }
    };
    Object.assign(listener, { [ours]: true });
    listen();
    return { signal, listener };
  });
  process.on('removeListener', noteRemoved);

  return () => {
    stopped = true;
    process.removeListener('removeListener', noteRemoved);
    for (const { signal, listener } of listeners) process.removeListener(signal, listener);
  };
}

/** Nobody listens any more, so that the process ends by it. */
function sendAgain(/** @type {NodeJS.Signals} */ signal) {
  try {
    if (isGranted({ name: 'run' })) return void process.kill(process.pid, signal);
  } catch {
    // Not permitted.
  }
  // The exit code that a shell would give.
  process.exit(128 + builtin('node:os').constants.signals[signal]);
}
