// Codes and reasons: the source, the declarations and docs/diagnostics.md name the same.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root } from '../support/package.mjs';
import { read } from './blocks.mjs';

const declarations = readFileSync(join(root, 'pkg', 'index.d.ts'), 'utf8');
const page = read('docs/diagnostics.md');

/** @returns {string[]} the texts of a union in the declarations */
function union(/** @type {string} */ name) {
  const [, members] = declarations.match(new RegExp(`export type ${name} =([^;]*);`)) ?? [];
  return [...members.matchAll(/'([a-z_]+)'/g)].map(([, text]) => text).sort();
}

/** @returns {string[]} what stands in the first column of the table with that head */
function column(/** @type {string} */ head) {
  const [, table] = page.split(`| ${head} |`);
  const rows = table.trimEnd().split('\n\n')[0].split('\n').slice(2);
  const names = rows.flatMap((row) => [...row.split('|')[1].matchAll(/`([a-z_]+)`/g)]);
  return names.map(([, name]) => name).sort();
}

function sources() {
  return ['src/core', 'src/edge', 'pkg/src'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(rs|js)$/.test(name) && !name.startsWith('inspector'))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
}

test('every code that the source tells is declared, and told by the page', () => {
  const told = new Set();
  for (const text of sources()) {
    const calls = text.matchAll(
      /\b(?:tell|diagnose|refuse|stop)\(\s*(?:[\w.&]+,\s*)*(?:\{\s*code: )?["']([a-z_]+)["']/g,
    );
    for (const [, code] of calls) told.add(code);
    for (const [, code] of text.matchAll(/code: '([a-z_]+)'/g)) told.add(code);
  }
  assert.ok(told.size > 20, [...told].join());
  const declared = union('DiagnosticCode');
  for (const code of told) assert.ok(declared.includes(code), `${code} is not declared`);
  const all = sources().join();
  for (const code of declared) assert.match(all, new RegExp(`["']${code}["']`));
  assert.deepEqual(column('code'), declared);
});

test('so is every reason for a drop', () => {
  const ledger = readFileSync(join(root, 'src/core/ledger.rs'), 'utf8');
  const [, names] = ledger.match(/NAMES: [^=]*= \[([^\]]*)\]/) ?? [];
  const told = [...(names ?? '').matchAll(/"([a-z_]+)"/g)].map(([, name]) => name).sort();
  assert.deepEqual(union('DropReason'), told);
  assert.deepEqual(column('reason'), told);
});
