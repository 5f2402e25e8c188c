// What a runtime with processes must do: each check is a program or two, run to their ends.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from './programs.mjs';

/** @typedef {import('./lab.mjs').Lab} Lab */
/** @typedef {{ lab: Lab, runProgram: (text: string, options?: Options) => Promise<string> }} Run */
/** @typedef {{ format?: 'mjs' | 'cjs', variables?: Record<string, string> }} Options */
/** @typedef {(run: Run) => unknown} Check */

/** The first lines of a program: nothing is awaited. */
export const start = (/** @type {string} */ service, more = '') => `
  import { init, logEvent } from 'wasm-telemetry';
  init({
    serviceName: '${service}',
    batch: { baseUrl: process.env.ENDPOINT },
    onDiagnostic: (diagnostic) => console.warn(JSON.stringify(diagnostic)),
    ${more}
  });`;

let ways = 0;

/** @type {Record<string, Check>} */
const common = {
  async import({ lab, runProgram }) {
    const text = await runProgram(`${start('imported')} logEvent('imported', { step: 1 });`);
    assert.equal(text.trim(), '', 'nothing is printed');
    await lab.seen('imported');
  },

  async require({ lab, runProgram }) {
    const program = required(`${start('required')} logEvent('required', { step: 1 });`);
    await runProgram(program, { format: 'cjs' });
    await lab.seen('required');
  },

  async 'import and require share a queue'({ lab, runProgram }) {
    await runProgram(`import { createRequire } from 'node:module';
      ${start('both')}
      const other = createRequire(import.meta.url)('wasm-telemetry');
      if (other.logEvent === logEvent) throw new Error('these are not two copies');
      logEvent('by-import');
      other.logEvent('by-require');`);
    await lab.seen('by-require');
    const together = lab.server
      .accepted()
      .filter(({ body: { events } }) => events[0].event_name === 'by-import');
    assert.deepEqual(
      together.map(({ body: { events } }) => events.length),
      [2],
    );
  },

  async compression({ lab, runProgram }) {
    const program = `for (let n = 0; n < 100; n += 1) logEvent('compressed', { n });`;
    await runProgram(`${start('compressed')} ${program}`);
    await lab.seen('compressed');
    const { headers, body } = /** @type {any} */ (lab.server.accepted().at(-1));
    assert.equal(headers['content-encoding'], 'gzip');
    assert.equal(body.events.length, 100);
  },

  'what is logged last survives process.exit()': survives('process.exit(0);'),
  'what is logged last survives an error that nobody catches': survives(
    'throw new Error("on purpose");',
  ),
  'what is logged last survives a signal': survives(
    'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 60_000);',
  ),
  'a process ends by itself, with an endpoint that is down': survives(''),

  async "OpenTelemetry's variables"({ lab, runProgram }) {
    const program = start('', '').replace(/serviceName: .+/, '');
    await runProgram(`${program} logEvent('variables');`, {
      variables: {
        OTEL_SERVICE_NAME: 'from-environment',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=matrix',
      },
    });
    await lab.seen('variables');
    const { resource } = lab.server.accepted().at(-1)?.body ?? {};
    assert.equal(resource['service.name'], 'from-environment');
    assert.equal(resource['deployment.environment'], 'matrix');
  },

  async DO_NOT_TRACK({ lab, runProgram }) {
    const before = lab.server.requests.length;
    await runProgram(`${start('untracked')} logEvent('untracked');`, {
      variables: { DO_NOT_TRACK: '1' },
    });
    assert.equal(lab.server.requests.length, before, 'no request');
  },
};

/**
 * What is logged right before a process ends in this way, while the endpoint is down, comes with the next.
 * @param {string} leave
 * @returns {Check}
 */
export function survives(leave) {
  ways += 1;
  const service = `left-${ways}`;
  return async ({ lab, runProgram }) => {
    lab.server.answerWith(() => ({ status: 0 }));
    const program = `${start(service)} logEvent('${service}'); ${leave}`;
    await runProgram(program).catch(() => {});
    lab.server.answerWith(() => undefined);
    await runProgram(`${start(service)} logEvent('next');`);
    await lab.seen(service);
    const ids = lab.server
      .events()
      .filter(({ event_name }) => event_name === service)
      .map(({ event_id }) => event_id);
    assert.equal(ids.length, 1, 'once');
  };
}

/**
 * @param {object} runtime
 * @param {string} runtime.name with its version
 * @param {boolean} [runtime.quick]
 * @param {(lab: Lab) => string[]} runtime.command what runs a file, without the file
 * @param {Record<string, Check>} [runtime.more] checks of its own
 * @returns {import('./environments.mjs').Environment}
 */
export function processes({ name, quick, command, more }) {
  return {
    name,
    quick,
    events: [],
    async run(lab) {
      const checks = Object.entries({ ...common, ...more });
      for (const [what, check] of checks) {
        /** @type {Run['runProgram']} */
        const runProgram = (text, { format = 'mjs', variables } = {}) => {
          writeFileSync(join(lab.project, `program.${format}`), text);
          const [program, ...args] = command(lab);
          return lab.exec(program, [...args, `program.${format}`], variables);
        };
        try {
          await check({ lab, runProgram });
        } catch (error) {
          throw new Error(`${what}: ${/** @type {Error} */ (error).message}`);
        }
      }
      return `${checks.length} checks: import, require, both with one queue, exits, variables`;
    },
  };
}
