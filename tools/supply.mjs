// What ships, and under which licences: the crates that are compiled into the WebAssembly. The package
// has no npm dependency, so that is all of it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { env, root } from './env.mjs';

/** What may be asked of whoever ships the package: a notice, and nothing more. */
const licences = [
  'MIT',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-3-Clause',
  'Unicode-3.0',
  'Zlib',
  '0BSD',
];

/**
 * @typedef {object} Crate
 * @property {string} name
 * @property {string} version
 * @property {string} licence
 * @property {string} sha256 of what the registry gave
 */

/** @returns {Crate[]} sorted by name, without the package's own */
export function shipped() {
  const target = ['--filter-platform', 'wasm32-unknown-unknown', '--features', 'bare,decoder'];
  const { status, stdout, stderr, error } = spawnSync(
    'cargo',
    ['metadata', '--format-version', '1', '--locked', ...target],
    { cwd: root, env, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (status !== 0) throw new Error(`cargo metadata failed: ${error ?? stderr}`);
  const { packages, resolve } = JSON.parse(stdout);
  const byId = (/** @type {any[]} */ all) => new Map(all.map((each) => [each.id, each]));
  const [nodes, known] = [byId(resolve.nodes), byId(packages)];
  const sums = checksums();
  /** @type {Set<string>} */
  const reached = new Set();
  const visit = (/** @type {string} */ id) => {
    if (reached.has(id) || isMacro(known.get(id))) return;
    reached.add(id);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some((/** @type {{ kind: string | null }} */ { kind }) => kind === null))
        visit(pkg);
    }
  };
  visit(resolve.root);
  reached.delete(resolve.root);
  return [...reached]
    .map((id) => known.get(id))
    .map(({ name, version, license }) => {
      return {
        name,
        version,
        licence: license ?? '',
        sha256: sums.get(`${name} ${version}`) ?? '',
      };
    })
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

/** Runs in the compiler, and is not in what it makes. */
function isMacro(/** @type {{ targets: { kind: string[] }[] }} */ { targets }) {
  return targets.some(({ kind }) => kind.includes('proc-macro'));
}

function checksums() {
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8');
  const entry = /name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"/g;
  return new Map(
    [...lock.matchAll(entry)].map(([, name, version, sum]) => [`${name} ${version}`, sum]),
  );
}

/** @returns {string[]} what is wrong with it */
export function problems(/** @type {Crate[]} */ crates) {
  /** @type {string[]} */
  const all = [];
  for (const { name, version, licence, sha256 } of crates) {
    // Each of those between `AND` must be one that serves; of those between `OR` one is enough.
    const parts = licence.replaceAll('/', ' OR ').split(' AND ');
    const serves = parts.every((part) =>
      part.split(' OR ').some((each) => licences.includes(each.replace(/[()]/g, '').trim())),
    );
    if (!serves) all.push(`${name} ${version} is under "${licence}"`);
    if (!sha256) all.push(`${name} ${version} is not from the registry`);
  }
  const names = crates.map(({ name }) => name);
  for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index))) {
    all.push(`${name} is there in more than one version`);
  }
  return all;
}

/** @returns {string} the bill of materials, as CycloneDX has it; the same for the same sources */
export function bill(/** @type {Crate[]} */ crates) {
  const { name, version, license } = JSON.parse(
    readFileSync(join(root, 'pkg', 'package.json'), 'utf8'),
  );
  const ref = `pkg:npm/${name}@${version}`;
  const components = crates.map((crate) => ({
    type: 'library',
    'bom-ref': `pkg:cargo/${crate.name}@${crate.version}`,
    name: crate.name,
    version: crate.version,
    licenses: [{ expression: crate.licence.replaceAll('/', ' OR ') }],
    purl: `pkg:cargo/${crate.name}@${crate.version}`,
    hashes: [{ alg: 'SHA-256', content: crate.sha256 }],
  }));
  const own = { type: 'library', 'bom-ref': ref, name, version, purl: ref };
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { ...own, licenses: [{ expression: license }] } },
    components,
    dependencies: [{ ref, dependsOn: components.map(({ purl }) => purl) }],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const crates = shipped();
  for (const { name, version, licence } of crates) console.log(`${name} ${version}: ${licence}`);
  const found = problems(crates);
  for (const problem of found) console.error(`supply: ${problem}`);
  console.log(`supply: ${crates.length} crates in the WebAssembly, ${found.length} problems`);
  process.exitCode = found.length > 0 ? 1 : 0;
}
