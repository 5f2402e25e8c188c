// Counts the hot path's instructions under valgrind, and fails where they are above the budget:
// node benches/instructions/check.mjs [--write]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { env, root } from '../../tools/env.mjs';

const usage = `Usage: node benches/instructions/check.mjs [--write]

  --write   write what is counted into budget.json, as the new budget`;

/** Counts differ a little with the machine's own libraries. */
const tolerance = 1.03;
const eventsPerRound = 200;
/** What the program does before and after its rounds is in both counts, and cancels out. */
const [few, many] = [20, 120];

const budgetFile = fileURLToPath(new URL('budget.json', import.meta.url));
const { values: options } = parseArgs({
  options: { write: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});

if (options.help) console.log(usage);
else if (process.platform !== 'linux') console.log('not counted: valgrind runs on Linux');
else process.exitCode = check() ? 0 : 1;

function check() {
  const program = build();
  /** @type {Record<string, number>} instructions for each event */
  const budget = JSON.parse(readFileSync(budgetFile, 'utf8'));
  /** @type {Record<string, number>} */
  const counted = {};
  console.log(
    `${'instructions for an event'.padEnd(28)}${'counted'.padStart(9)}${'budget'.padStart(9)}`,
  );
  const over = Object.keys(budget).filter((what) => {
    const all = count(program, what, many) - count(program, what, few);
    const each = Math.round(all / (eventsPerRound * (many - few)));
    counted[what] = each;
    const [name, own, most] = [what.padEnd(28), String(each), String(budget[what])];
    console.log(name + own.padStart(9) + most.padStart(9));
    return each > budget[what] * tolerance;
  });
  if (options.write) {
    writeFileSync(budgetFile, `${JSON.stringify(counted, undefined, 2)}\n`);
    return true;
  }
  for (const what of over) {
    console.error(`
${what}: ${counted[what]} instructions for an event, and the budget is ${budget[what]}.
  where they go: valgrind --tool=callgrind --callgrind-out-file=target/callgrind.out \\
                   ${program} ${what} ${many} && callgrind_annotate target/callgrind.out | head -40
  if they are worth it: node benches/instructions/check.mjs --write, and say why in the commit`);
  }
  return over.length === 0;
}

/** @returns {string} the program, optimized as the shipped module is */
function build() {
  const names = ['--release', '--locked', '--bench', 'instructions'];
  const output = run('cargo', ['build', ...names, '--message-format=json-render-diagnostics']);
  const messages = output.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return messages.find(({ executable, target }) => executable && target.name === 'instructions')
    .executable;
}

function count(
  /** @type {string} */ program,
  /** @type {string} */ what,
  /** @type {number} */ rounds,
) {
  const folder = mkdtempSync(join(tmpdir(), 'instructions-'));
  try {
    const tool = ['--tool=callgrind', `--callgrind-out-file=${join(folder, 'out')}`];
    const { stderr } = run('valgrind', [...tool, program, what, String(rounds)]);
    const [, instructions] = stderr.match(/Collected : (\d+)/) ?? [];
    if (!instructions) throw new Error(`valgrind told no count:\n${stderr}`);
    return Number(instructions);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(/** @type {string} */ command, /** @type {string[]} */ args) {
  const options = /** @type {const} */ ({ cwd: root, env, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const result = spawnSync(command, args, options);
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${command} failed:\n${result.stderr}`);
  return result;
}
