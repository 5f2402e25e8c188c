// What runs in every environment: a program whose first line logs.

/** For pages, bundled or not: the endpoint is the page's own, or as the address says. */
export const page = `import { init, logEvent } from 'wasm-telemetry';
init({
  serviceName: 'matrix',
  batch: { baseUrl: new URLSearchParams(location.search).get('endpoint'), scheduledDelayMillis: 10 },
  onDiagnostic: (diagnostic) => console.warn(JSON.stringify(diagnostic)),
});
logEvent('started', { step: 1 });
`;

/** The same with the WebAssembly beside the script; `wasm` is the bundler's way to its address. */
export const slimPage = (/** @type {string} */ wasm) =>
  `${wasm}\n${page}`
    .replace("'wasm-telemetry'", "'wasm-telemetry/slim'")
    .replace('init({', 'init({ wasm,');

export const html = `<!doctype html><meta charset="utf-8"><title>matrix</title>
<script type="module" src="./main.js"></script>
`;

/** For processes. Nothing is awaited: the end of the process exports. */
export const script = `import { init, logEvent } from 'wasm-telemetry';
init({
  serviceName: 'matrix',
  store: 'memory',
  batch: { baseUrl: process.env.ENDPOINT },
  onDiagnostic: (diagnostic) => console.warn(JSON.stringify(diagnostic)),
});
logEvent('started', { step: 1 });
`;

/** A program that requires what it imports. */
export const required = (/** @type {string} */ program) =>
  program.replace(/import (.+) from (.+);/, 'const $1 = require($2);');
