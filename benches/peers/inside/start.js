// In a page of its own: loads a side's script and starts it. `began` and `evaluated` are set by the script.

/** @returns {Promise<Record<string, number>>} milliseconds */
export async function load(options) {
  let [compile, instantiate] = [0, 0];
  WebAssembly.instantiate = async (bytes, imports) => {
    const start = performance.now();
    const module = await WebAssembly.compile(bytes);
    const compiled = performance.now();
    const instance = new WebAssembly.Instance(module, imports);
    compile = compiled - start;
    instantiate = performance.now() - compiled;
    return { module, instance };
  };
  const script = document.createElement('script');
  script.src = 'start.js';
  const loaded = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error('the script does not load'));
  });
  document.head.append(script);
  await loaded;
  const start = performance.now();
  const starting = window.start(options);
  const started = performance.now();
  await starting;
  const ready = performance.now() - window.began;
  return {
    evaluate: window.evaluated - window.began,
    init: started - start,
    compile,
    instantiate,
    ready,
  };
}
