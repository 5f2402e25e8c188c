// Coverage-guided fuzzing: `fuzz.mjs [--minutes N] [target…]`, or `fuzz.mjs --corpus` to renew what is saved.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { env, root } from './env.mjs';

const { values: options, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, corpus: { type: 'boolean' } },
  allowPositionals: true,
});
const seconds = Math.round(Number(options.minutes) * 60);
if (!(seconds > 0)) fail(`MINUTES must be a number above 0, not ${options.minutes}`);

const targets = readdirSync(join(root, 'fuzz', 'fuzz_targets'))
  .map((name) => name.replace(/\.rs$/, ''))
  .sort();
const chosen = positionals.length > 0 ? positionals : targets;
for (const target of chosen) {
  if (!targets.includes(target)) fail(`no target ${target}; there are: ${targets.join(', ')}`);
}

// Long enough for every kind of input, and short enough for thousands a second.
const limits = ['-max_len=4096', '-rss_limit_mb=1024', '-timeout=10'];
// Inputs in the repository for each target: the largest, which reach the most.
const mostSaved = 100;
for (const target of chosen) {
  if (options.corpus) minimize(target);
  else fuzz(target);
}

function fuzz(/** @type {string} */ target) {
  console.log(`fuzz: ${target} for ${seconds} s; what is new goes to fuzz/found/${target}`);
  const [found, corpus, regressions] = folders(target);
  const old = [corpus, regressions].filter((folder) => existsSync(join(root, folder)));
  const flags = [...limits, `-max_total_time=${seconds}`, '-print_final_stats=1'];
  if (cargoFuzz('run', target, found, ...old, '--', ...flags)) return;
  fail(
    `${target} fails on the input named above. Keep it as fuzz/regressions/${target}/<what-it-is>, ` +
      'which `cargo test --test corpus` runs from then on, and mend what it shows.',
  );
}

/** Of the old corpus, what was found and real records: a few that reach most of the code. */
function minimize(/** @type {string} */ target) {
  const [found, corpus] = folders(target);
  if (['otlp', 'record'].includes(target)) {
    const seeds = ['test', '--quiet', '--locked', '--test', 'corpus', 'real_records_hold'];
    run('cargo', seeds, { FUZZ_SEEDS: join(root, found) });
  }
  const fewer = `${corpus}.new`;
  rmSync(join(root, fewer), { recursive: true, force: true });
  mkdirSync(join(root, fewer), { recursive: true });
  mkdirSync(join(root, corpus), { recursive: true });
  // Without counters, for how often code runs would keep many times as many inputs.
  const flags = ['-set_cover_merge=1', '-use_counters=0', ...limits];
  if (!cargoFuzz('run', target, fewer, corpus, found, '--', ...flags)) fail(`${target}: see above`);
  const size = (/** @type {string} */ name) => statSync(join(root, fewer, name)).size;
  const names = readdirSync(join(root, fewer)).sort((left, right) => size(right) - size(left));
  for (const name of names.slice(mostSaved)) rmSync(join(root, fewer, name));
  rmSync(join(root, corpus), { recursive: true });
  renameSync(join(root, fewer), join(root, corpus));
  console.log(`fuzz: fuzz/corpus/${target} has ${readdirSync(join(root, corpus)).length} inputs`);
}

function folders(/** @type {string} */ target) {
  const found = join('fuzz', 'found', target);
  mkdirSync(join(root, found), { recursive: true });
  return [found, join('fuzz', 'corpus', target), join('fuzz', 'regressions', target)];
}

function cargoFuzz(/** @type {string} */ command, /** @type {string[]} */ ...args) {
  // The address sanitizer would need a nightly Rust, and finds little in code without `unsafe`.
  return run('cargo', ['fuzz', command, '--sanitizer', 'none', ...args]);
}

function run(
  /** @type {string} */ program,
  /** @type {string[]} */ args,
  /** @type {Record<string, string>} */ more = {},
) {
  console.log(`$ ${program} ${args.join(' ')}`);
  const { status } = spawnSync(program, args, {
    cwd: root,
    env: { ...env, ...more },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0;
}

function fail(/** @type {string} */ message) {
  console.error(`fuzz: ${message}`);
  process.exit(1);
}
