import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { versionOf } from '../../support/environments.mjs';
import { processes, survives } from '../../support/processes.mjs';

const version = versionOf(import.meta.url, 'deno');

// Without a terminal, Deno throws where it would ask in one.
const program = `import { init, logEvent, ready, stats } from 'wasm-telemetry';
  const [baseUrl, directory] = process.argv.slice(2);
  const codes = [];
  init({
    serviceName: 'permissions',
    directory,
    batch: { baseUrl },
    onDiagnostic: ({ code }) => codes.push(code),
  });
  logEvent('started');
  ready().then(() => console.log(JSON.stringify({ kind: stats().store.kind, codes })));`;

/** @type {[what: string, flags: string[], directory: string[], kind: 'files' | 'memory'][]} */
const grants = [
  ['nothing', [], [], 'memory'],
  ['nothing, and the program names a directory', [], ['state'], 'memory'],
  ['its environment', ['--allow-env'], [], 'memory'],
  ['one variable', ['--allow-env=NODE_ENV'], [], 'memory'],
  ['all but one variable', ['--allow-env', '--deny-env=OTEL_SERVICE_NAME'], [], 'memory'],
  ['to read', ['--allow-read'], ['state'], 'memory'],
  ['the directory', ['--allow-read=state', '--allow-write=state'], ['state'], 'files'],
  [
    'the home folder',
    ['--allow-sys=homedir', '--allow-read=home', '--allow-write=home'],
    [],
    'files',
  ],
];

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  processes({
    name: `Deno ${version}, all granted`,
    command: () => ['deno', 'run', '--allow-all'],
    more: { 'what is logged last survives Deno.exit()': survives('Deno.exit(0);') },
  }),
  {
    name: `Deno ${version}, little or nothing granted`,
    events: [],
    async run({ project, server, exec }) {
      mkdirSync(join(project, 'home'), { recursive: true });
      writeFileSync(join(project, 'program.mjs'), program);
      for (const [what, flags, directory, kind] of grants) {
        const net = `--allow-net=${new URL(server.url).host}`;
        const args = ['run', net, ...flags, 'program.mjs', server.url, ...directory];
        const before = server.events().length;
        const told = JSON.parse(await exec('deno', args));
        const codes = kind === 'memory' ? ['store_memory'] : [];
        assert.deepEqual(told, { kind, codes }, `granted: ${what}`);
        assert.equal(server.events().length, before + 1, `granted: ${what}`);
      }
      return `asks for nothing; a store in files where they are granted, in memory and told elsewhere`;
    },
  },
];
