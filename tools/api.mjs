// Writes docs/api.md from the package's declarations: node tools/api.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ast from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';
import { root } from './env.mjs';

const exported = ast.SyntaxKind.ExportKeyword;
const declarations = join(root, 'pkg', 'index.d.ts');
export const page = join(root, 'docs', 'api.md');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = reference();
  if (!process.argv.includes('--check')) writeFileSync(page, text);
  else if (readFileSync(page, 'utf8') !== text) {
    console.error('docs/api.md is not what pkg/index.d.ts says now: make docs');
    process.exitCode = 1;
  }
}

/** @returns {string} the page */
export function reference() {
  const compiler = new API({ cwd: root });
  try {
    const config = join(root, 'tsconfig.json');
    const [project] = compiler.updateSnapshot({ openProjects: [config] }).getProjects();
    const source = project.program.getSourceFile(declarations);
    if (!source) throw new Error(`${config} does not take in ${declarations}`);
    return written(source);
  } finally {
    compiler.close();
  }
}

function written(/** @type {ast.SourceFile} */ source) {
  /** @type {Map<string, ast.Statement[]>} overloads stand together */
  const names = new Map();
  for (const statement of source.statements) {
    if (!isExported(statement)) continue;
    const name = /** @type {any} */ (statement).name.text;
    names.set(name, [...(names.get(name) ?? []), statement]);
  }
  const all = [...names].map(([name, statements]) => ({ name, statements }));
  const functions = all.filter(({ statements: [first] }) => ast.isFunctionDeclaration(first));
  const classes = all.filter(({ statements: [first] }) => ast.isClassDeclaration(first));
  const types = all.filter((each) => !functions.includes(each) && !classes.includes(each));
  const known = new Set(types.map(({ name }) => name));

  const head = `# API

Made from [\`pkg/index.d.ts\`](../pkg/index.d.ts) by \`make docs\`. Every function acts on the instance that \`init\` made;
\`new Telemetry(options)\` makes further ones, each with its own queue, context, store and endpoint.
`;
  return [
    head,
    '## Functions\n',
    ...functions.map(({ name, statements }) => section(name, statements, source)),
    ...classes.map(({ name, statements: [only] }) => `## class ${name}\n\n${body(only, source)}`),
    '## Types\n',
    ...types.map(({ name, statements }) => section(name, statements, source)),
  ]
    .join('\n')
    .replace(/`([A-Z]\w+)(?:\[\])?`(?= \|)/g, (all, name) =>
      known.has(name) ? `[${all}](#${name.toLowerCase()})` : all,
    );
}

function section(
  /** @type {string} */ name,
  /** @type {ast.Statement[]} */ statements,
  /** @type {ast.SourceFile} */ source,
) {
  const parts = statements.map((statement) => body(statement, source));
  return `### ${name}\n\n${parts.join('\n')}`;
}

function body(/** @type {ast.Statement} */ statement, /** @type {ast.SourceFile} */ source) {
  const said = comment(statement);
  const about = said ? `${said}\n\n` : '';
  const members = ast.isInterfaceDeclaration(statement) || ast.isClassDeclaration(statement);
  if (members && statement.members.length > 0) return about + table(statement.members, source);
  const code = statement.getText(source).replace(/^export (declare )?/, '');
  return `${about}\`\`\`ts\n${code}\n\`\`\`\n`;
}

/**
 * @param {ast.NodeArray<ast.TypeElement | ast.ClassElement>} members
 * @param {ast.SourceFile} source
 */
function table(members, source) {
  const rows = members.flatMap((member) => {
    const own = [row('', member, source)];
    const type = ast.isPropertySignatureDeclaration(member) && member.type;
    if (!type || !ast.isTypeLiteralNode(type)) return own;
    const prefix = `${member.name.getText(source)}.`;
    return [...own, ...type.members.map((inner) => row(prefix, inner, source))];
  });
  return `| name | type | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

/**
 * @param {string} prefix
 * @param {ast.TypeElement | ast.ClassElement} member
 * @param {ast.SourceFile} source
 */
function row(prefix, member, source) {
  const text = member.getText(source).replace(/;$/, '').replace(/\s+/g, ' ');
  const said = comment(member).replace(/\n/g, ' ').replace(/ - /g, ' ');
  const isProperty = ast.isPropertySignatureDeclaration(member);
  const optional = isProperty && /^\w+\?/.test(text) ? '?' : '';
  const name = isProperty ? `${prefix}${member.name.getText(source)}${optional}` : text;
  const literal = isProperty && member.type && ast.isTypeLiteralNode(member.type);
  const type = isProperty && !literal ? member.type?.getText(source).replace(/\s+/g, ' ') : '';
  const cells = [`\`${name}\``, type ? `\`${type}\`` : '', said];
  return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
}

/** @returns {string} its documentation, links as code */
function comment(/** @type {ast.Node} */ node) {
  const text = node.jsDoc?.at(-1)?.getText() ?? '';
  return text
    .replace(/^\/\*\*|\*\/$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .trim();
}

function isExported(/** @type {any} */ { modifiers }) {
  return modifiers?.some((/** @type {ast.Node} */ { kind }) => kind === exported) ?? false;
}
