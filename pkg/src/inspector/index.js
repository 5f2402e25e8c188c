// `wasm-telemetry/inspector`: for development. Where there is no document there is no panel.
import { explained } from './explain.js';
import { Panel } from './panel.js';
import { shared } from './shared.js';
import { storedBodies } from './stored.js';

/** @typedef {import('../../inspector.d.ts').Explanation} Explanation */

/** @returns {Explanation | undefined} */
export function explain(/** @type {string} */ eventId) {
  // What a core that failed left goes on in another one.
  for (const trace of shared().traces.toSorted((a, b) => Number(a.failed) - Number(b.failed))) {
    const event = trace.find(eventId);
    if (event) return explained(trace, event);
  }
  return undefined;
}

/** @returns {Explanation[]} */
export function events() {
  return shared().traces.flatMap((trace) => trace.events.map((event) => explained(trace, event)));
}

/** @type {Panel | undefined} */
let panel;

export function open() {
  show();
  panel?.open();
}

export function close() {
  panel?.close();
}

function show() {
  if (panel || typeof document === 'undefined') return;
  panel = new Panel(document);
}

function look() {
  panel?.changed();
  for (const trace of shared().traces) {
    const keys = trace.unread();
    if (keys.length > 0) readStored(trace, keys);
  }
}

/**
 * @param {import('./trace.js').Trace} trace
 * @param {string[]} keys
 */
async function readStored(trace, keys) {
  try {
    const bodies = await storedBodies(trace.options.serviceName, keys);
    for (const [key, body] of bodies) trace.learn(key, body);
    panel?.changed();
  } catch {
    // They are read when they are sent.
  }
}

shared().changed = look;
look();

// Not before the page is there: its first picture is none of ours.
if (typeof document !== 'undefined') {
  if (document.readyState === 'complete') show();
  else addEventListener('load', show, { once: true });
}
