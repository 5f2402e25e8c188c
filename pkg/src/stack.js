// A program that recurses without end may call us with next to no stack left. If that ran out within the
// WebAssembly, nothing there would be tidied up, and every call that follows would fail.

const nothing = () => {};
/** As arguments, 32 KB. */
const room = new Array(4_096).fill(0);

/** For what a microtask of our own does: nothing is on the stack below it, and to probe costs 3 µs. */
export const anyStack = nothing;

/** Throws a RangeError if there is too little left for a call of the WebAssembly. */
export function needStack() {
  nothing.apply(undefined, /** @type {any} */ (room));
}
