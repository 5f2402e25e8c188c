// Exits with 0 if node_modules holds what package-lock.json says, so that `npm ci` can be left out.
import { existsSync, readFileSync } from 'node:fs';
import { root } from './env.mjs';

process.chdir(root);
process.exitCode = isCurrent() ? 0 : 1;

function isCurrent() {
  const installed = lockedPackages('node_modules/.package-lock.json');
  const wanted = lockedPackages('package-lock.json');
  if (!installed || !wanted) return false;
  // npm itself compares package.json with its lock, and fails with a better message than ours.
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  const { devDependencies } = wanted[''];
  delete wanted[''];
  return (
    sameEntries(manifest.devDependencies, devDependencies) &&
    Object.keys(installed).every((path) => path in wanted) &&
    Object.entries(wanted).every(([path, entry]) =>
      installed[path]
        ? installed[path].version === entry.version &&
          installed[path].integrity === entry.integrity &&
          existsSync(path)
        : entry.optional,
    )
  );
}

function lockedPackages(/** @type {string} */ file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

function sameEntries(/** @type {Record<string, string>} */ a = {}, b = a) {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
