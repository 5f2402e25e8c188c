// A program that recurses without end may call us with next to no stack left. If that ran out within the
// WebAssembly, nothing there would be tidied up, and every call that follows would fail.

const nothing = () => {};
/** As arguments, 32 KB. */
const room = new Array(4_096).fill(0);

/** Throws a RangeError if there is too little left for a call of the WebAssembly. */
export function needStack() {
  nothing.apply(undefined, /** @type {any} */ (room));
}
