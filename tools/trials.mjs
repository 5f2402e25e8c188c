// Runs the trials of tests/trials and prints what became of the events, as a table in Markdown.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './env.mjs';

const usage = `Usage: node tools/trials.mjs [--help]

  Logs events in Chromium and in Node, kills or leaves what logged them, and counts what reaches
  the endpoint, now or later. Needs pkg/dist (make build). Ends with 1 if an event is lost or doubled.`;

/** @typedef {{ title: string, run: (t: Scope) => Promise<Outcome> }} Trial */
/** @typedef {{ after: (done: () => unknown) => void }} Scope */
/** @typedef {{ logged: number, arrived: number, doubled: number, note: string }} Outcome */

const { values: options } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
if (options.help) console.log(usage);
else await main();

async function main() {
  if (!existsSync(join(root, 'pkg', 'dist', 'index.js'))) {
    console.error('trials: error: pkg/dist is not built; run: make build');
    process.exitCode = 1;
    return;
  }
  console.log('| trial | logged | arrived | doubled | when |');
  console.log('| --- | ---: | ---: | ---: | --- |');
  for (const trial of await load()) {
    const row = await attempt(trial);
    console.log(`| ${[trial.title, ...row].join(' | ')} |`);
  }
}

/** @returns {Promise<Trial[]>} */
async function load() {
  const folder = join(root, 'tests', 'trials');
  const all = await Promise.all(
    ['browser', 'node'].map((name) => import(join(folder, `${name}.mjs`))),
  );
  return all.flatMap(({ trials }) => trials);
}

/** @returns {Promise<(string | number)[]>} */
async function attempt(/** @type {Trial} */ { run }) {
  /** @type {(() => unknown)[]} */
  const ends = [];
  try {
    const outcome = await run({ after: (done) => void ends.unshift(done) });
    const { logged, arrived, doubled, note } = outcome;
    if (arrived !== logged || doubled !== 0) process.exitCode = 1;
    return [logged, arrived, doubled, note];
  } catch (error) {
    process.exitCode = 1;
    console.error(error);
    return ['', '', '', 'failed'];
  } finally {
    for (const end of ends) await end();
  }
}
