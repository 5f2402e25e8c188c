// The command that prints a declaration, and what the compiler makes of it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, root } from '../support/package.mjs';

const command = (...args) =>
  spawnSync(process.execPath, [join(root, 'pkg/bin/wasm-telemetry.js'), ...args], {
    encoding: 'utf8',
  });

function schemaFile(t, text) {
  const file = join(folder(t), 'events.json');
  writeFileSync(file, text);
  return file;
}

const schema = {
  checkout: { items: 'number', express: 'boolean', plan: 'text' },
  app_opened: {},
  'page-view': { 'load time': 'number' },
};

const program = `
import { init, logEvent, Telemetry, verified, type EventSchema } from 'wasm-telemetry';
import type { Events } from './events';
import schema from './events.json';

logEvent('checkout', { items: 3, express: true, plan: verified('pro') });
logEvent('app_opened');
logEvent('page-view', { 'load time': 1 });
// @ts-expect-error no such event
logEvent('checkuot');
// @ts-expect-error no such field
logEvent('checkout', { price: 5 });
// @ts-expect-error another type
logEvent('checkout', { items: true });
// @ts-expect-error free text
logEvent('checkout', { plan: 'pro' });
// @ts-expect-error a field where there is none
logEvent('app_opened', { items: 1 });

init({ serviceName: 'shop', events: schema as EventSchema });
const telemetry: Telemetry<Events> = init<Events>({ serviceName: 'shop' });
telemetry.logEvent('checkout', {});
// @ts-expect-error no such event, by default
new Telemetry({ serviceName: 'shop' }).logEvent('checkuot');
// An instance may have events of its own.
new Telemetry<{ other: { n: number } }>({ serviceName: 'other' }).logEvent('other', { n: 1 });
`;

test('what it prints declares the events for every import', (t) => {
  const file = schemaFile(t, JSON.stringify(schema));
  const { stdout, stderr, status } = command('types', file);
  assert.deepEqual([stderr, status], ['', 0]);
  const at = (name) => join(file, '..', name);
  writeFileSync(at('events.d.ts'), stdout);
  writeFileSync(at('program.ts'), program);
  const options = {
    ...{ strict: true, noEmit: true, module: 'esnext', moduleResolution: 'bundler', types: [] },
    ...{ target: 'es2023', lib: ['es2023', 'dom'], resolveJsonModule: true },
    paths: { 'wasm-telemetry': [join(root, 'pkg/index.d.ts')] },
  };
  const project = { compilerOptions: options, files: ['program.ts', 'events.d.ts'] };
  writeFileSync(at('tsconfig.json'), JSON.stringify(project));
  const tsc = join(root, 'node_modules/.bin/tsc');
  const compiled = spawnSync(tsc, ['--project', at('tsconfig.json')], { encoding: 'utf8' });
  assert.equal(compiled.stdout, '');
  assert.equal(compiled.status, 0);
});

for (const [what, text, message] of [
  [
    'a type there is none of',
    '{"checkout":{"items":"string"}}',
    '$.checkout.items must be "number"',
  ],
  ['a name that every object has', '{"a":{"b":"toString"}}', '$.a.b must be "number"'],
  ['a list of events', '["checkout"]', '$ must be an object of events'],
  ['an event that is no object', '{"page view":3}', '$["page view"] must be an object of fields'],
  ['a name without characters', '{"":{}}', '$[""]: a name has 1 to 256'],
  ['a key that is too long', `{"a":{"${'k'.repeat(129)}":"number"}}`, ': a key has 1 to 128'],
  ['no JSON', '{', 'JSON'],
]) {
  test(`it refuses ${what}, and says where`, (t) => {
    const file = schemaFile(t, text);
    const { stdout, stderr, status } = command('types', file);
    assert.deepEqual([stdout, status], ['', 1]);
    assert.ok(stderr.startsWith(`wasm-telemetry: ${file}: `), stderr);
    assert.ok(stderr.includes(message), stderr);
  });
}

test('it explains itself, and what it did not understand', () => {
  const help = command('types', '--help');
  assert.match(help.stdout, /^Usage: wasm-telemetry types <file>/);
  assert.equal(help.status, 0);
  for (const args of [['types'], ['types', 'a', 'b'], ['types', '--nonsense']]) {
    const { stdout, stderr, status } = command(...args);
    assert.deepEqual([stdout, status], ['', 2]);
    assert.match(stderr, /^wasm-telemetry: .*\n\nUsage/);
  }
});
