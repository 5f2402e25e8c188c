import { init, logEvent, verified } from 'wasm-telemetry';

init({ serviceName: 'shop', serviceVersion: '1.4.0' });

// JavaScript's own names. Whatever else an error calls itself is somebody's free text.
const KINDS = ['Error', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'];

export function errorKind(error) {
  const name = error?.name;
  return verified(KINDS.includes(name) ? name : 'other');
}

addEventListener('error', ({ error, filename, lineno }) => {
  const ours = filename.startsWith(location.origin);
  logEvent('script_failed', { kind: errorKind(error), line: lineno, ours });
});
addEventListener('unhandledrejection', ({ reason }) => {
  logEvent('promise_rejected', { kind: errorKind(reason) });
});
