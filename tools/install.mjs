// Packages that only one part of the repository needs, in that part's own folder.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Installs what a folder's package-lock.json says, if it is not there. */
export function ensureInstalled(/** @type {string} */ folder) {
  if (isCurrent(folder)) return;
  console.error(`installing packages into ${join(folder, 'node_modules')}`);
  const { status } = spawnSync(
    'npm',
    // What a package does when it is installed (downloads, notices) nobody needs here.
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: folder, stdio: ['ignore', 2, 2] },
  );
  if (status !== 0) throw new Error(`npm ci failed in ${folder} (see above)`);
}

/** npm keeps a copy of the lock file, less the entry for this folder itself. */
function isCurrent(/** @type {string} */ folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const versions = (/** @type {string} */ file) => {
    const { packages } = JSON.parse(readFileSync(file, 'utf8'));
    return Object.entries(packages).flatMap(([path, entry]) =>
      path === '' || entry.optional || entry.extraneous ? [] : [`${path}@${entry.version}`],
    );
  };
  return String(versions(installed)) === String(versions(join(folder, 'package-lock.json')));
}
