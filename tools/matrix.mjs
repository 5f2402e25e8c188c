// Runs the packed package in every environment, and prints a table of them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  environments,
  isInstalled,
  packed,
  prepare,
} from '../tests/matrix/support/environments.mjs';
import { run } from '../tests/matrix/support/lab.mjs';
import { root } from './env.mjs';

const usage = `Usage: node tools/matrix.mjs [--only TEXT]... [--list] [--write]

  Packs the npm package that tools/build.mjs made, installs it into a project for each environment,
  runs a program there whose first line logs, and waits for its event at an endpoint.
  Ends with 1 if it fails anywhere. What an environment needs is installed at its first run.

  --only TEXT   only environments whose group or name contains TEXT, e.g. --only vite --only runtimes
  --list        print the environments and end
  --write       write the table to docs/matrix.md as well; not with --only`;

/** @typedef {{ group: string, name: string, remark?: string, reason?: string }} Row */

// What an environment started ends with it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

try {
  await main();
} catch (error) {
  console.error(`matrix: error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean' },
      write: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (options.help) return console.log(usage);
  if (options.write && options.only.length > 0) {
    throw new Error('--write needs the whole table: leave --only out');
  }
  const all = await environments();
  const isNamed = (/** @type {{ group: string, name: string }} */ { group, name }) =>
    options.only.some((text) => `${group} ${name}`.toLowerCase().includes(text.toLowerCase()));
  const chosen = options.only.length > 0 ? all.filter(isNamed) : all;
  if (chosen.length === 0) throw new Error(`nothing of that name; there is:\n${list(all)}`);
  if (options.list) return console.log(list(chosen));

  const unpacked = packed();
  /** @type {Row[]} */
  const rows = [];
  for (const [index, environment] of chosen.entries()) {
    const { group, name } = environment;
    const progress = `matrix: ${index + 1}/${chosen.length} ${group}: ${name}`;
    if (!isInstalled(environment)) console.log(`${progress}: installing`);
    const start = performance.now();
    const outcome = await attempt(environment, unpacked);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${progress}: ${outcome.reason ? 'failed' : 'pass'} (${seconds} s)`);
    if (outcome.reason) console.log(outcome.reason.replace(/^/gm, '  '));
    rows.push({ group, name, ...outcome });
  }
  const table = markdown(rows);
  console.log(`\n${table}`);
  const failed = rows.filter(({ reason }) => reason !== undefined).length;
  console.log(`${rows.length - failed} passed, ${failed} failed`);
  if (options.write) writeFileSync(join(root, 'docs', 'matrix.md'), page(table));
  process.exitCode = failed > 0 ? 1 : 0;
}

async function attempt(
  /** @type {import('../tests/matrix/support/environments.mjs').Found} */ environment,
  /** @type {string} */ unpacked,
) {
  try {
    prepare(environment, unpacked);
  } catch (error) {
    return { reason: /** @type {Error} */ (error).message };
  }
  return run(environment);
}

function list(/** @type {{ group: string, name: string }[]} */ all) {
  return all.map(({ group, name }) => `  ${group.padEnd(9)} ${name}`).join('\n');
}

function markdown(/** @type {Row[]} */ rows) {
  const cells = rows.map(({ group, name, remark, reason }) => [
    group,
    name,
    reason === undefined ? 'pass' : `fails: ${oneLine(reason)}`,
    remark ?? '',
  ]);
  const all = [['group', 'environment', 'result', 'remark'], ...cells];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (/** @type {string[]} */ row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |\n`;
  return [line(all[0]), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join(
    '',
  );
}

function oneLine(/** @type {string} */ reason) {
  return reason.split('\n')[0].replaceAll('|', '\\|').slice(0, 120);
}

function page(/** @type {string} */ table) {
  return `# Where it runs

Each line is a project with the packed npm package and a program whose first line logs; no plugin and no
configuration, but what a remark says. It passes when an endpoint has got the event. A bundle must
also hold the WebAssembly once, and nothing of it where the program uses no name of the package. \`make matrix ARGS=--write\` runs all of them and
writes this page; \`make test\` runs the quick ones.

${table}`;
}
