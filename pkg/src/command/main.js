// `npx wasm-telemetry`: a command a file.
import { readFileSync } from 'node:fs';
import { Failure, Misuse } from './failure.js';
import { inspect } from './inspect.js';
import { types } from './types.js';

const usage = `Usage: wasm-telemetry <command>

Commands:
  inspect [DIRECTORY]  what is stored, and why; verifies, exports and sends it
  types <file>         the TypeScript declaration of events declared in JSON

Options:
  -h, --help   shows this; wasm-telemetry <command> --help: what a command takes
  --version    the package's version

Exit status: 0; or 1 if something is wrong with what a command looked at; or 2
if the command is not understood.`;

/** @type {Record<string, (args: string[]) => void | Promise<void>>} */
const commands = { inspect, types };

// Whoever reads the output may have read enough.
process.stdout.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`wasm-telemetry: ${error.message}`);
  process.exitCode = error.status;
}

async function run(/** @type {string[]} */ [name, ...args]) {
  if (name === '--help' || name === '-h') return console.log(usage);
  if (name === '--version') return console.log(version());
  if (name === undefined) throw new Misuse('no command', usage);
  if (!Object.hasOwn(commands, name)) throw new Misuse(`no such command: ${name}`, usage);
  return commands[name](args);
}

function version() {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
