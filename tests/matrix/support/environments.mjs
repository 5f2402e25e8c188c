// The environments in which the packed package must work. A folder tests/matrix/<group>/<name> holds an
// `environment.mjs`, the files of its project, and a package.json with its lock if it needs packages.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cache, root } from '../../../tools/env.mjs';

/**
 * @typedef {object} Environment
 * @property {string} name as the table shows it, with its version
 * @property {boolean} [quick] `make test` runs it too
 * @property {string[]} [events] names of events that the endpoint must see; default `['started']`
 * @property {(lab: import('./lab.mjs').Lab) => Promise<string | void>} run
 *   gives a remark for the table, if there is something to say; what it throws is the reason of a failure
 */

/** @typedef {Environment & { group: string, source: string, project: string }} Found */

const matrix = join(root, 'tests', 'matrix');
const groups = ['bundlers', 'runtimes', 'browsers', 'policies', 'rust'];
// Outside of the repository, where no node_modules but its own is found. Each working copy has one.
const projects = join(
  cache,
  'matrix',
  `${basename(root)}-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`,
);

/** @returns {Promise<Found[]>} */
export async function environments() {
  const all = [];
  for (const group of groups) {
    const folder = join(matrix, group);
    for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
      const source = join(folder, name);
      const file = join(source, 'environment.mjs');
      if (!existsSync(file)) continue;
      /** @type {{ environments: Environment[] }} */
      const found = await import(pathToFileURL(file).href);
      const place = { group, source, project: join(projects, group, name) };
      all.push(...found.environments.map((environment) => ({ ...environment, ...place })));
    }
  }
  return all;
}

/** @returns {string} the version of a package, as the package.json beside a file says */
export function versionOf(/** @type {string} */ fileUrl, /** @type {string} */ name) {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', fileUrl), 'utf8'));
  return dependencies[name];
}

/** @returns {string} the packed package, unpacked */
export function packed() {
  mkdirSync(projects, { recursive: true });
  const [{ filename }] = JSON.parse(
    execFileSync(
      'npm',
      ['pack', join(root, 'pkg'), '--json', '--ignore-scripts', '--pack-destination', projects],
      { encoding: 'utf8', stdio: 'pipe' },
    ),
  );
  rmSync(join(projects, 'package'), { recursive: true, force: true });
  execFileSync('tar', ['-xzf', join(projects, filename), '-C', projects]);
  return join(projects, 'package');
}

/** Whether it has all that it needs from the registry. */
export function isInstalled(/** @type {Found} */ { source, project }) {
  const lock = join(source, 'package-lock.json');
  const stamp = join(project, 'installed');
  return !existsSync(lock) || (existsSync(stamp) && same(lock, stamp));
}

/** Lays the environment's project out: its packages, its own files, and the package as npm packs it. */
export function prepare(/** @type {Found} */ environment, /** @type {string} */ unpacked) {
  const { source, project } = environment;
  if (!isInstalled(environment)) {
    rmSync(project, { recursive: true, force: true });
    mkdirSync(project, { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) {
      cpSync(join(source, name), join(project, name));
    }
    npmInstall(project);
    cpSync(join(source, 'package-lock.json'), join(project, 'installed'));
  }
  // What an earlier run left must not help this one.
  mkdirSync(project, { recursive: true });
  for (const name of readdirSync(project)) {
    if (name !== 'node_modules' && name !== 'installed') {
      rmSync(join(project, name), { recursive: true, force: true });
    }
  }
  for (const cache of ['.cache', '.vite']) {
    rmSync(join(project, 'node_modules', cache), { recursive: true, force: true });
  }
  cpSync(source, project, { recursive: true });
  const place = join(project, 'node_modules', 'wasm-telemetry');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(dirname(place), { recursive: true });
  cpSync(unpacked, place, { recursive: true });
}

/** Not `npm ci`: that fails where a registry lacks a binary for some other kind of machine. */
function npmInstall(/** @type {string} */ project) {
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: project, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (status !== 0) throw new Error(`npm install failed in ${project}:\n${stderr}`);
}

function same(/** @type {string} */ a, /** @type {string} */ b) {
  return readFileSync(a).equals(readFileSync(b));
}
