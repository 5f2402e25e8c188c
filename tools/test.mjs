// Runs the checks and tests, cheap ones first; all of them, or the parts that are named.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cargoConfig, env, root } from './env.mjs';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} part which `make test-<part>` runs it
 * @property {string[]} command
 * @property {string} [needs] the name of a step that must have passed
 * @property {Record<string, string>} [env]
 */

const plain = process.stdout.isTTY ? [] : ['--colors=off'];
const wasm = ['--target', 'wasm32-unknown-unknown'];
const denyWarnings = ['--all-targets', '--locked', '--', '-D', 'warnings'];
const fuzzCrate = ['--manifest-path', 'fuzz/Cargo.toml'];
const example = ['--manifest-path', 'examples/rust/Cargo.toml'];

/** @type {Step[]} */
const steps = [
  { name: 'rustfmt', part: 'format', command: ['cargo', 'fmt', '--check'] },
  {
    name: 'rustfmt fuzz',
    part: 'format',
    command: ['cargo', 'fmt', '--check', ...fuzzCrate],
  },
  {
    name: 'rustfmt example',
    part: 'format',
    command: ['cargo', 'fmt', '--check', ...example],
  },
  { name: 'biome', part: 'format', command: ['biome', 'ci', '--error-on-warnings', ...plain] },
  {
    name: 'clippy',
    part: 'lint',
    command: ['cargo', 'clippy', '--features', 'ablation,inspect', ...denyWarnings],
  },
  {
    name: 'clippy wasm32',
    part: 'lint',
    command: ['cargo', 'clippy', ...wasm, '--features', 'inspect', ...denyWarnings],
  },
  {
    name: 'clippy decoder',
    part: 'lint',
    command: [
      ...['cargo', 'clippy', ...wasm, '--lib', '--locked', '--features', 'decoder'],
      ...['--', '-D', 'warnings'],
    ],
  },
  {
    name: 'clippy fuzz',
    part: 'lint',
    command: [
      ...['cargo', 'clippy', ...fuzzCrate, '--no-default-features', '--target-dir', 'target'],
      ...denyWarnings,
    ],
  },
  {
    name: 'clippy example',
    part: 'lint',
    command: ['cargo', 'clippy', ...example, '--target-dir', 'target', ...wasm, ...denyWarnings],
  },
  {
    name: 'rustdoc',
    part: 'lint',
    command: ['cargo', 'doc', '--no-deps', '--locked'],
    env: { RUSTDOCFLAGS: '-D warnings' },
  },
  { name: 'build', part: 'build', command: ['node', 'tools/build.mjs'] },
  { name: 'size', part: 'size', needs: 'build', command: ['node', 'tools/size.mjs', '--check'] },
  { name: 'types', part: 'lint', needs: 'build', command: ['tsc', '--project', 'tsconfig.json'] },
  { name: 'supply', part: 'lint', command: ['node', 'tools/supply.mjs'] },
  { name: 'native', part: 'native', command: ['cargo', 'test', '--locked'] },
  {
    name: 'instruction counts',
    part: 'instructions',
    command: ['node', 'benches/instructions/check.mjs'],
  },
  {
    name: 'fuzz corpus',
    part: 'fuzz',
    command: ['cargo', 'test', '--locked', '--test', 'corpus'],
    env: { FUZZ_SEED: process.env.FUZZ_SEED ?? '1', FUZZ_CHANGES: '5000' },
  },
  {
    name: 'simulator, and planted bugs',
    part: 'simulator',
    command: [
      ...['cargo', 'test', '--locked', '--profile', 'sim', '--features', 'planted'],
      ...['--test', 'simulator', '--', '--nocapture', '--test-threads=1'],
    ],
  },
  { name: 'wasm in Node', part: 'wasm', command: ['wasm-pack', 'test', '--node'] },
  {
    name: 'wasm in Chromium',
    part: 'wasm',
    command: ['wasm-pack', 'test', '--headless', '--chrome'],
    env: { WASM_BINDGEN_TEST_TIMEOUT: '120', WASM_BINDGEN_TEST_DRIVER_TIMEOUT: '60' },
  },
  ...['bundler', 'web', 'nodejs'].map((target) => ({
    name: `wasm-pack build, ${target}`,
    part: 'wasm',
    command: [
      ...['wasm-pack', 'build', '--target', target, '--out-dir', `target/wasm-pack/${target}`],
      ...['--', ...cargoConfig],
    ],
  })),
  nodeTests('collector', 'build'),
  nodeTests('package', 'build'),
  nodeTests('matrix', 'build'),
  nodeTests('node', 'build'),
  nodeTests('cli', 'build'),
  nodeTests('otlp', 'build'),
  nodeTests('hostile', 'build'),
  nodeTests('browser', 'build'),
  nodeTests('inspector', 'build'),
  nodeTests('docs', 'build'),
  nodeTests('guides', 'build'),
  nodeTests('trials', 'build'),
  nodeTests('demo', 'build'),
  { name: 'demo', part: 'demo', needs: 'build', command: ['node', 'tools/demo.mjs', '--check'] },
  {
    name: 'demo through OpenTelemetry',
    part: 'demo',
    needs: 'build',
    command: ['node', 'tools/demo.mjs', '--format', 'otlp', '--check'],
  },
];

// So that a hung test ends the run with its name, long before whoever waits for the run gives up.
const stepLimitMinutes = 20;

/** @type {import('node:child_process').ChildProcess | undefined} */
let running;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    stop(running);
    process.exit(130);
  });
}

const parts = process.argv.slice(2);
const known = new Set(steps.map(({ part }) => part));
const unknown = parts.filter((part) => !known.has(part));
if (unknown.length > 0) {
  console.error(`test: no part ${unknown.join(', ')}; there are: ${[...known].join(', ')}`);
  process.exit(2);
}

const chosen = steps.filter(({ part }) => parts.length === 0 || parts.includes(part));
const needed = new Set(chosen.map(({ needs }) => needs));
/** @type {Map<string, { outcome: string, seconds?: number }>} */
const results = new Map();
for (const step of steps) {
  if (chosen.includes(step) || needed.has(step.name)) results.set(step.name, await runStep(step));
}
report();

async function runStep(/** @type {Step} */ step) {
  headline(step.name);
  if (step.needs && results.get(step.needs)?.outcome !== 'passed') {
    console.log(`not run: ${step.needs} failed`);
    return { outcome: 'skipped' };
  }
  console.log(`$ ${step.command.map(quoted).join(' ')}`);
  const start = performance.now();
  const outcome = (await succeeds(step)) ? 'passed' : 'failed';
  const seconds = (performance.now() - start) / 1000;
  console.log(`${outcome} in ${seconds.toFixed(1)} s`);
  return { outcome, seconds };
}

function succeeds(/** @type {Step} */ { command: [program, ...args], env: more }) {
  return new Promise((resolve) => {
    // In a process group of its own, so that what it started ends with it.
    const child = spawn(program, args, {
      cwd: root,
      env: { ...env, ...more },
      // One stream, so that a log keeps the order.
      stdio: ['ignore', 1, 1],
      detached: true,
    });
    running = child;
    const limit = setTimeout(() => {
      console.log(`stopped: not done after ${stepLimitMinutes} minutes`);
      stop(child, 'SIGKILL');
    }, stepLimitMinutes * 60_000);
    const finish = (/** @type {boolean} */ passed) => {
      clearTimeout(limit);
      running = undefined;
      resolve(passed);
    };
    child.on('error', ({ message }) => {
      console.log(`${program} does not run: ${message}; set up: tools/setup.sh`);
      finish(false);
    });
    child.on('exit', (code) => finish(code === 0));
  });
}

/** @param {import('node:child_process').ChildProcess | undefined} child */
function stop(child, /** @type {NodeJS.Signals} */ signal = 'SIGTERM') {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function report() {
  headline('summary');
  const width = Math.max(...[...results.keys()].map((name) => name.length));
  for (const [name, { outcome, seconds }] of results) {
    const time = seconds === undefined ? '' : `${seconds.toFixed(1).padStart(8)} s`;
    console.log(`${outcome.padEnd(8)} ${name.padEnd(width)} ${time}`.trimEnd());
  }
  const count = (/** @type {string} */ wanted) =>
    [...results.values()].filter(({ outcome }) => outcome === wanted).length;
  const skipped = count('skipped') > 0 ? `, ${count('skipped')} skipped` : '';
  console.log(`\n${count('passed')} passed, ${count('failed')} failed${skipped}`);
  process.exitCode = count('failed') > 0 ? 1 : 0;
}

function quoted(/** @type {string} */ word) {
  return /^[\w./:=@-]+$/.test(word) ? word : `'${word}'`;
}

function headline(/** @type {string} */ text) {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`);
}

/**
 * The tests in tests/<part>, file by file: two browsers at once only slow each other.
 * @param {string} part
 * @param {string} [needs]
 * @returns {Step}
 */
function nodeTests(part, needs) {
  const directory = join(root, 'tests', part);
  // Listed here, because newer versions of Node take a folder's name for a file's.
  const files = (existsSync(directory) ? readdirSync(directory, { recursive: true }) : [])
    .map(String)
    .filter((file) => file.endsWith('.test.mjs') && !file.includes('node_modules'))
    .sort()
    .map((file) => join('tests', part, file));
  return {
    name: `tests/${part}`,
    part,
    needs,
    command:
      files.length > 0
        ? ['node', '--test', '--test-reporter=spec', '--test-concurrency=1', ...files]
        : ['sh', '-c', `echo 'no *.test.mjs in tests/${part}'; exit 1`],
  };
}
