// `platform.js` for bundles that only browsers run: there is nothing of all that.

/** @typedef {typeof import('./platform.js')} Platform */

export const isNodeLike = false;

const nothing = () => undefined;

export const environment = /** @type {Platform['environment']} */ (nothing);
export const files = /** @type {Platform['files']} */ (nothing);
export const gzip = undefined;
export const mayRead = () => true;
export const unwatch = /** @type {Platform['unwatch']} */ (nothing);

/** @type {Platform['write']} */
export function write(what, text, warns) {
  console[warns ? 'warn' : 'info']('%cwasm-telemetry%c %s: %s', 'font-weight:bold', '', what, text);
}

// Not called where nothing is like Node.
export const inflateNow = /** @type {Platform['inflateNow']} */ (/** @type {unknown} */ (nothing));
export const holdOpen = /** @type {Platform['holdOpen']} */ (/** @type {unknown} */ (nothing));
export const storing = /** @type {Platform['storing']} */ (/** @type {unknown} */ (nothing));
export const watch = /** @type {Platform['watch']} */ (nothing);
