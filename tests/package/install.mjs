// The package as a user gets it: packed by npm, and installed into an empty project.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Makes a project that has the packed package installed, until the calling file's tests are over.
 * @returns {{ project: string, tarball: string, packed: string[] }} `packed`: the tarball's files
 */
export function install() {
  const project = mkdtempSync(join(tmpdir(), 'wasm-telemetry-package-'));
  after(() => rmSync(project, { recursive: true, force: true }));
  const [{ filename, files }] = JSON.parse(
    npm('pack', join(root, 'pkg'), '--json', '--ignore-scripts', '--pack-destination', project),
  );
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  npm('install', '--prefix', project, '--no-audit', '--no-fund', join(project, filename));
  return {
    project,
    tarball: join(project, filename),
    packed: files.map((/** @type {{ path: string }} */ { path }) => path).sort(),
  };
}

/**
 * Runs a program of the project's with Node.
 * @returns {unknown} what it printed, as JSON
 */
export function runNode(/** @type {string} */ project, /** @type {string} */ file) {
  // Without DO_NOT_TRACK, OTEL_… and whatever else is set where the tests run.
  const env = { PATH: process.env.PATH, HOME: project };
  const output = execFileSync(process.execPath, [file], { cwd: project, env, encoding: 'utf8' });
  return JSON.parse(output);
}

/** Logs an event without a network, and prints what became of it. */
export const smallestProgram = `
  import { init, logEvent, ready, stats } from 'wasm-telemetry';
  init({ serviceName: 'smallest', enabled: true, store: 'memory', consent: 'pending' });
  logEvent('started', { step: 1 });
  ready().then(() => console.log(JSON.stringify(stats())));
`;

function npm(/** @type {string[]} */ ...args) {
  return execFileSync('npm', args, { encoding: 'utf8', stdio: 'pipe' });
}
