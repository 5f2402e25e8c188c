// `wasm-telemetry inspect`: what a store holds. Only `--drain` changes it.
import { once } from 'node:events';
import { openDecoder } from '#decoder';
import { drain } from './drain.js';
import { Misuse, understood } from './failure.js';
import { isSound, overview, printed } from './overview.js';
import { folderOf, servicesFound } from './places.js';
import { batches, bodyOf, explained, single } from './single.js';
import { plural, printable, size } from './words.js';

const usage = `Usage: wasm-telemetry inspect [DIRECTORY] [options]

Lists what a store of Node, Deno or Bun holds, and why each batch is still
there. Without DIRECTORY and --service: the services that have a folder.
Nothing is changed but by --drain, also while processes use the store.

Which store:
  DIRECTORY          what init({ directory }) was given
  --service NAME     what init({ serviceName: NAME }) uses without a directory

What to show:
  --verify           reads every record to its end, not its header and its
                     checksum alone
  --batch ID         one batch, and why it is there
  --event ID         one event, and its batch; of an id the beginning is enough
  --json             the same as JSON, in one document
  --events           every batch as a line of JSON, as an endpoint would get it

Sending it:
  --drain URL        sends what nobody holds, by the package itself. https://,
                     or http:// to loopback; without a path to
                     /api/event_logging/batch, with OTLP to /v1/logs. The first
                     failure ends it, and leaves what is left as it was.
  --header 'N: V'    sent along; may be given several times
  --format FORMAT    json (default), otlp-json or otlp-protobuf
  --timeout SECONDS  for all of it, 1 to 86400; default 600

  -h, --help         shows this

Times are UTC. Colours only on a terminal, and not if NO_COLOR is set.

Exit status: 0; or 1 if something is broken or set aside, or was not found, or
not delivered; or 2 if the command is not understood or the folder not there.`;

const options = /** @type {const} */ ({
  service: { type: 'string' },
  verify: { type: 'boolean' },
  batch: { type: 'string' },
  event: { type: 'string' },
  json: { type: 'boolean' },
  events: { type: 'boolean' },
  drain: { type: 'string' },
  header: { type: 'string', multiple: true },
  format: { type: 'string' },
  timeout: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
});

export async function inspect(/** @type {string[]} */ args) {
  const { values, positionals } = understood(args, options, usage);
  if (values.help) return console.log(usage);
  check(values, positionals);
  const folder = folderOf(positionals[0], values.service);
  const decoder = await openDecoder();
  const now = Date.now();
  if (!folder) {
    // Nothing else makes sense for all of them.
    const [given] = Object.keys(values).filter((name) => name !== 'json');
    if (given) throw new Misuse(`--${given} needs a DIRECTORY, or --service NAME`, usage);
    return listServices(decoder, now, values.json);
  }
  const { drain: url } = values;
  if (url !== undefined) return drain(folder, decoder, { ...values, url }, usage);
  if (values.events) return exportAll(folder, decoder);
  if (values.batch !== undefined || values.event !== undefined) {
    const found = single(folder, decoder, values, now);
    const { stored, body, event } = found;
    console.log(values.json ? JSON.stringify({ ...stored, event, body }) : explained(found, now));
    if (stored.problem) process.exitCode = 1;
    return;
  }
  const seen = overview(folder, decoder, { now, whole: values.verify ?? false });
  console.log(values.json ? JSON.stringify(seen) : printed(seen, values.verify));
  if (!isSound(seen)) process.exitCode = 1;
}

function check(
  /** @type {ReturnType<typeof understood<typeof options>>['values']} */ values,
  /** @type {string[]} */ positionals,
) {
  if (positionals.length > 1) throw new Misuse('inspect takes one DIRECTORY', usage);
  if (positionals.length > 0 && values.service !== undefined) {
    throw new Misuse('DIRECTORY and --service name two folders: give one of them', usage);
  }
  const modes = /** @type {const} */ (['events', 'batch', 'event', 'drain', 'verify']);
  const [mode, other] = modes.filter((name) => values[name] !== undefined);
  if (other) throw new Misuse(`--${mode} and --${other} do not go together`, usage);
  for (const name of /** @type {const} */ (['header', 'format', 'timeout'])) {
    if (values[name] !== undefined && values.drain === undefined) {
      throw new Misuse(`--${name} is of use with --drain only`, usage);
    }
  }
  if (values.json && (values.events || values.drain !== undefined)) {
    throw new Misuse(`--json is of no use with --${values.events ? 'events' : 'drain'}`, usage);
  }
  for (const name of /** @type {const} */ (['batch', 'event'])) {
    if (values[name] === '') throw new Misuse(`--${name} needs an id, or its beginning`, usage);
  }
}

function listServices(
  /** @type {import('../decoder.js').Decoder} */ decoder,
  /** @type {number} */ now,
  json = false,
) {
  const { state, services } = servicesFound();
  const seen = services.map(({ folder }) => overview(folder, decoder, { now, whole: false }));
  if (!seen.every(isSound)) process.exitCode = 1;
  if (json) {
    const all = seen.map(({ directory, deniedAt, totals }) => ({ directory, deniedAt, ...totals }));
    return console.log(JSON.stringify({ state, services: all }));
  }
  const lines = services.map(({ name }, index) => {
    const { totals, setAside } = seen[index];
    const { events, records, bytes, broken } = totals;
    const bad = broken + setAside.length;
    const more = bad > 0 ? `, ${plural(bad, 'broken record')}` : '';
    const what = `${plural(events, 'event')} in ${plural(records, 'batch')}, ${size(bytes)}`;
    return `${printable(name)}\n    ${records > 0 ? what : 'nothing stored'}${more}`;
  });
  const none = services.length === 0;
  console.log(`Services in ${state}:\n\n${none ? 'none' : lines.join('\n')}`);
  if (!none) console.log('\nOne of them: inspect --service NAME, or its folder');
}

async function exportAll(
  /** @type {import('./folder.js').Folder} */ folder,
  /** @type {import('../decoder.js').Decoder} */ decoder,
) {
  for (const found of batches(folder)) {
    const body = bodyOf(found, decoder, Date.now());
    if (!body) {
      console.error(
        `wasm-telemetry: ${printable(found.file)} is not exported: it is broken (see --verify), or over 16 MiB as JSON`,
      );
      process.exitCode = 1;
    } else if (!process.stdout.write(`${JSON.stringify(body)}\n`)) {
      await once(process.stdout, 'drain');
    }
  }
}
