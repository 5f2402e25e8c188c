// Measures `logEvent`: node benches/log.mjs [--chrome] [--json]
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { collected, growth, measure } from './log-sides.mjs';

const usage = `Usage: node benches/log.mjs [--chrome] [--json]

  --chrome   measure in headless Chromium instead of Node
  --json     print the figures as JSON`;

const self = fileURLToPath(import.meta.url);
const index = fileURLToPath(new URL('../pkg/dist/index.js', import.meta.url));

const { values: options } = parseArgs({
  options: {
    chrome: { type: 'boolean' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
    /** In the process that measures, whose garbage can be collected on demand. */
    child: { type: 'boolean' },
  },
});

if (options.help) console.log(usage);
else if (options.child) console.log(JSON.stringify(await inNode()));
else {
  const where = options.chrome ? 'Chromium' : `Node ${process.versions.node}`;
  if (!options.json) console.error(`measuring in ${where}, takes about half a minute …`);
  const figures = options.chrome ? await inChromium() : fromChild();
  if (options.json) console.log(JSON.stringify({ where, ...figures }));
  else print(where, figures);
}

function fromChild() {
  const output = execFileSync(process.execPath, ['--expose-gc', self, '--child'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  return JSON.parse(output);
}

async function inNode() {
  const { Telemetry } = await import(index);
  const used = async () => {
    await collected();
    return process.memoryUsage().heapUsed;
  };
  return { results: await measure(Telemetry), grown: await growth(Telemetry, used) };
}

async function inChromium() {
  const { launch } = await import('../tests/support/browser.mjs');
  const { outputFiles } = await build({
    stdin: {
      contents: `import { Telemetry } from ${JSON.stringify(index)};
        import { collected, growth, measure } from './log-sides.mjs';
        const used = async () => { await collected(); return performance.memory.usedJSHeapSize; };
        window.figures = async () =>
          ({ results: await measure(Telemetry), grown: await growth(Telemetry, used) });`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
  });
  const page = `<!doctype html><script>${outputFiles[0].text}</script>`;
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const browser = await launch('--js-flags=--expose-gc', '--enable-precise-memory-info');
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${server.address().port}/`);
    return await tab.evaluate(() => window.figures());
  } finally {
    await browser.close();
    server.close();
  }
}

function print(where, { results, grown }) {
  console.log(`nanoseconds per event in ${where}, medians; × is the ratio to wasm-telemetry`);
  console.log('whole: with all that follows the call, until the body of the request is there\n');
  console.log(row('fields', 'side', 'call', '×', 'whole', '×'));
  for (const { fields, side, call, whole } of results) {
    const ours = results.find((each) => each.fields === fields);
    const ratio = (value, base) => (value / base).toFixed(2);
    const figures = [call.toFixed(0), ratio(call, ours.call), whole.toFixed(0)];
    console.log(row(fields, side, ...figures, ratio(whole, ours.whole)));
  }
  console.log(`\nJavaScript heap after a million calls: ${(grown / 1024).toFixed(0)} KiB more`);
}

function row(fields, side, ...figures) {
  const cells = figures.map((figure) => String(figure).padStart(9));
  return String(fields).padEnd(8) + side.padEnd(16) + cells.join('');
}
