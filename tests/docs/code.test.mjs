// What the README and the pages show runs: programs against a real endpoint, in real Chromium and as
// processes of Node. `https://telemetry.example.com` (and `collector.`) is the endpoint's address
// then; without an address a program is one for the browser.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { launch } from '../support/browser.mjs';
import { root } from '../support/package.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/wait.mjs';
import { blocksOf, pages, read } from './blocks.mjs';

const address = /https:\/\/(telemetry|collector)\.example\.com/g;
/** Run by tests of their own: with a bundler's way to name a file, in workerd, beside the official SDK. */
const elsewhere = /wasm-telemetry\.wasm|cloudflare:workers|@opentelemetry|^docs\/guides/;

const blocks = pages.flatMap(blocksOf);
const programs = blocks.filter(
  ({ page, language, code }) =>
    language === 'js' && /\binit\(/.test(code) && !elsewhere.test(code) && !elsewhere.test(page),
);

/** @type {import('playwright-core').Browser} */
let browser;
/** In the project, so that programs find the package as their own dependency. */
let folder = '';
before(async () => {
  browser = await launch();
  mkdirSync(join(root, 'target'), { recursive: true });
  folder = mkdtempSync(join(root, 'target', 'docs-'));
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

test('there are programs for both', () => {
  const kinds = new Set(programs.map(({ code }) => code.search(address) < 0));
  assert.equal(kinds.size, 2);
});

for (const { page, line, code } of programs) {
  const inBrowser = code.search(address) < 0;
  test(`${page}, line ${line}: runs in ${inBrowser ? 'Chromium' : 'Node'}`, async (t) => {
    const server = await startServer(t);
    const program = code.replace(address, server.url);
    const whole = program.includes("from 'wasm-telemetry'")
      ? program
      : `import { init } from 'wasm-telemetry';\n${program}`;
    const logged = [...whole.matchAll(/logEvent\('(\w+)'/g)].map(([, name]) => name);
    const exposed = /logExperiment\(/.test(whole);
    const arrived = () => server.requests.flatMap(({ body }) => names(body));
    const wanted = exposed ? [...logged, 'exposure'] : logged;
    const complete = () => wanted.every((name) => arrived().includes(name));
    if (inBrowser) await visit(server, whole, complete);
    else await runTwice(server.url, whole);
    await until(complete);
  });
}

/** @returns {string[]} */
const names = (/** @type {any} */ body) =>
  body instanceof Uint8Array
    ? (String(body).match(/[a-z]+_[a-z_]+/g) ?? [])
    : body.events.map((/** @type {any} */ event) => event.event_name ?? 'exposure');

/**
 * @param {Awaited<ReturnType<typeof startServer>>} server
 * @param {string} program
 * @param {() => boolean} complete
 */
async function visit(server, program, complete) {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    // As Vite does while developing.
    define: { 'import.meta.env.DEV': 'true' },
    conditions: ['development'],
  });
  server.serve((path) =>
    path === '/app.js'
      ? { type: 'text/javascript', body: outputFiles[0].contents }
      : { type: 'text/html', body: '<!doctype html><script type="module" src="/app.js"></script>' },
  );
  const page = await browser.newPage();
  /** @type {Error[]} */
  const errors = [];
  page.on('pageerror', (error) => errors.push(error));
  // What is left sends what it has; before WebAssembly is ready, the next visit does.
  for (let visits = 0; visits < 20 && !complete(); visits += 1) {
    await page.goto(server.url);
    await page.waitForTimeout(200);
    await page.goto('about:blank');
    await page.waitForTimeout(100);
  }
  assert.deepEqual(errors, []);
  await page.close();
}

/** A program that ends at once is delivered by the next of its name. */
async function runTwice(/** @type {string} */ url, /** @type {string} */ program) {
  const [, service = ''] = program.match(/serviceName: '(\w+)'/) ?? [];
  const known = "const token = () => 'Bearer token';\n";
  const file = join(folder, 'program.mjs');
  writeFileSync(file, /\bauth: token\b/.test(program) ? known + program : program);
  const next = join(folder, 'next.mjs');
  const options = `{ serviceName: '${service}', batch: { baseUrl: '${url}' } }`;
  writeFileSync(
    next,
    `import { flush, init, logEvent } from 'wasm-telemetry';\ninit(${options});\nawait flush();`,
  );
  const env = { PATH: process.env.PATH, HOME: folder };
  const output = await runNode(file, env);
  await runNode(next, env);
  // `console.log(…); // what it prints`
  const said = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
  if (said.length > 0) assert.deepEqual(output.trim().split('\n'), said);
}

/** @returns {Promise<string>} what it printed; apart from this process, which is the endpoint */
async function runNode(/** @type {string} */ file, /** @type {NodeJS.ProcessEnv} */ env) {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env });
  assert.equal(stderr, '');
  return stdout;
}

test('what is shown for a shell exists', () => {
  const known = execFileSync('make', ['help'], { cwd: root, encoding: 'utf8' });
  const shells = blocks.filter(({ language }) => language === 'sh');
  const targets = shells.flatMap(({ code }) => [...code.matchAll(/^\s*make ([\w-]+)/gm)]);
  assert.ok(targets.length >= 4);
  for (const [, target] of targets) assert.match(known, new RegExp(`^make ${target} `, 'm'));
});

test('every `make …` that a page names is a target', () => {
  const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
  const parts = new Set([...makefile.matchAll(/^([\w-]+):/gm)].map(([, name]) => name));
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/`make ([a-z][\w-]*)/g)) {
      const known = parts.has(target) || target.startsWith('test-');
      assert.ok(known, `${page}: make ${target}`);
    }
  }
});

test('JSON and shell quotes are well formed', () => {
  for (const { page, line, language, code } of blocks) {
    const where = `${page}, line ${line}`;
    if (language === 'json') {
      const plain = code.replaceAll('{…}', '{}');
      assert.doesNotThrow(() => JSON.parse(plain), where);
    } else if (language === 'sh') {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: code, encoding: 'utf8' });
      assert.equal(status, 0, `${where}: ${stderr}`);
    }
  }
});
