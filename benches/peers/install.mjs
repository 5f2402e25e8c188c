// The peers' packages, which nothing else needs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

export function ensureInstalled() {
  if (isCurrent()) return;
  console.error(
    'bench: installing what is measured beside the package into benches/peers/node_modules',
  );
  const { status } = spawnSync(
    'npm',
    // What a package does when it is installed (downloads, notices) no measurement needs.
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: here, stdio: ['ignore', 2, 2] },
  );
  if (status !== 0) throw new Error('npm ci failed in benches/peers (see above)');
}

/** npm keeps a copy of the lock file, less the entry for this folder itself. */
function isCurrent() {
  const installed = `${here}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const versions = (file) => {
    const { packages } = JSON.parse(readFileSync(file, 'utf8'));
    return Object.entries(packages).flatMap(([path, entry]) =>
      path === '' || entry.optional || entry.extraneous ? [] : [`${path}@${entry.version}`],
    );
  };
  return String(versions(installed)) === String(versions(`${here}package-lock.json`));
}
