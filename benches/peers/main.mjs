// wasm-telemetry beside the SDKs that it replaces: node benches/peers/main.mjs --help
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled } from '../../tools/install.mjs';

/** Each module exports a function of its name, and `where` it is measured if that is not both. */
const goals = ['call', 'wire', 'tasks', 'memory', 'start', 'size', 'growth'];

const usage = `Usage: node benches/peers/main.mjs [options]

  --node, --chromium   measure only there
  --only call,wire     only these goals; there are: ${goals.join(', ')}
  --quick              fewer rounds; most SDKs only in some of the tables
  --write              put the tables into docs/performance.md, and draw docs/performance.svg
  --help               print this`;

const { values: options } = parseArgs({
  options: {
    node: { type: 'boolean' },
    chromium: { type: 'boolean' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const chosen = options.only?.split(',') ?? goals;
const unknown = chosen.filter((name) => !goals.includes(name));
if (options.help) console.log(usage);
else if (unknown.length > 0) {
  console.error(`bench: no goal ${unknown.join(', ')}; there are: ${goals.join(', ')}`);
  process.exitCode = 2;
} else {
  ensureInstalled(fileURLToPath(new URL('.', import.meta.url)));
  await main();
}

async function main() {
  const { Lab, startCollector } = await import('./lab.mjs');
  const places = await import('./places.mjs');
  const collector = await startCollector();
  const tables = [];
  const both = !options.node && !options.chromium;
  for (const key of ['node', 'chromium']) {
    if (!both && !options[key]) continue;
    const place = key === 'node' ? places.node() : await places.chromium(collector.origin);
    try {
      for (const name of chosen) {
        const goal = await import(`./goals/${name}.mjs`);
        if (goal.where && goal.where !== key) continue;
        const lab = new Lab(collector, place, options);
        const start = performance.now();
        process.stderr.write(`bench: ${name} in ${place.name} …`);
        try {
          const text = await goal[name](lab);
          console.log(`${text}\n`);
          tables.push(text);
        } catch (error) {
          console.error(`\nbench: ${name} in ${place.name} could not be measured:`, error);
          process.exitCode = 1;
        }
        await lab.close();
        process.stderr.write(` ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
      }
    } finally {
      await place.close();
    }
  }
  await collector.close();
  if (options.write) await write(tables);
}

/** Puts the tables into the page, in place of those with the same heading; of other versions, too. */
async function write(/** @type {string[]} */ tables) {
  const docs = new URL('../../docs/', import.meta.url);
  const page = new URL('performance.md', docs);
  const [prose, old = ''] = readFileSync(page, 'utf8').split(/(?<=^<!-- tables -->\n)/m);
  const heading = (/** @type {string} */ text) => text.split('\n')[0].replace(/ [\d.]+$/, '');
  const all = [...old.split(/^(?=### )/m), ...tables].map((text) => text.trim());
  const latest = new Map(all.filter(Boolean).map((text) => [heading(text), text]));
  writeFileSync(page, `${prose}\n${[...latest.values()].join('\n\n')}\n`);
  if (!chosen.includes('growth')) return;
  const { plot } = await import('./goals/growth.mjs');
  writeFileSync(new URL('performance.svg', docs), plot());
}
