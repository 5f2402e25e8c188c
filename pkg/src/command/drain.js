// Sends what is stored, by the package itself: with its leases, so that nothing goes twice while other processes
// use the store, and by its rules on addresses, consent and switches.
import { Telemetry } from '#package';
import { Failure, Misuse, messageOf } from './failure.js';
import { overview } from './overview.js';
import { Progress } from './progress.js';
import { isHeld } from './record.js';
import { count, plural, printable, time, wrapped } from './words.js';

/** @typedef {import('../../index.d.ts').InitOptions} InitOptions */
/** @typedef {import('../../index.d.ts').Format} Format */

/**
 * @typedef {object} Wishes
 * @property {string} url
 * @property {string[]} [header]
 * @property {string} [format]
 * @property {string} [timeout]
 */

// What was stored is to arrive: nothing is dropped for its age, for its size, or for what was before.
const batch = {
  maxAttempts: 100,
  maxStoreAgeMillis: 31_536_000_000,
  maxStoreBytes: 1_099_511_627_776,
};

/**
 * @param {import('./folder.js').Folder} folder
 * @param {import('../decoder.js').Decoder} decoder
 * @param {Wishes} wishes
 * @param {string} usage
 */
export async function drain(folder, decoder, wishes, usage) {
  const options = optionsOf(wishes, usage);
  await checkOptions(options, wishes.url, usage);
  const timeoutMillis = secondsOf(wishes.timeout, usage) * 1000;
  const look = () => overview(folder, decoder, { now: Date.now(), whole: false });
  const before = look();
  if (before.deniedAt) {
    throw new Failure(1, `nothing is sent: consent was denied at ${before.deniedAt}`);
  }
  const waiting = before.records.filter(isFree);
  const total = waiting.reduce((sum, { events }) => sum + events, 0);

  const wire = new Wire();
  const progress = new Progress(process.stderr);
  progress.say(
    `sending ${plural(total, 'event')} in ${plural(waiting.length, 'batch')} to ${wishes.url}`,
  );
  const telemetry = new Telemetry({ ...options, directory: folder.path });
  const tick = setInterval(() => {
    const { delivered } = telemetry.stats().ledger;
    progress.update(`delivered ${count(delivered)} of ${plural(total, 'event')}`);
  }, 100);
  const { timedOut } = await telemetry.flush({ timeoutMillis });
  if (timedOut) wire.stop('the time was over');
  clearInterval(tick);
  await telemetry.shutdown();
  progress.end();

  const { ledger } = telemetry.stats();
  const after = look();
  console.log(summary(ledger, after, wire));
  const undelivered = after.records.length > 0 || Object.keys(ledger.dropped).length > 0;
  if (undelivered) process.exitCode = 1;
}

const isFree = (/** @type {import('./record.js').Stored} */ record) =>
  !isHeld(record) && record.state !== 'broken';

/** @returns {InitOptions} */
function optionsOf(
  /** @type {Wishes} */ { url, header = [], format = 'json' },
  /** @type {string} */ usage,
) {
  if (!['json', 'otlp-json', 'otlp-protobuf'].includes(format)) {
    const there = 'there are json, otlp-json and otlp-protobuf';
    throw new Misuse(`--format ${format}: there is no such format; ${there}`, usage);
  }
  /** @type {Record<string, string>} */
  const headers = {};
  for (const [index, text] of header.entries()) {
    const [, name, value] = /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(text) ?? [];
    // Its text may be a secret.
    if (!name) throw new Misuse(`--header, the ${index + 1}. of them: write 'Name: value'`, usage);
    headers[name.toLowerCase()] = value;
  }
  const { authorization, ...others } = headers;
  const [, baseUrl = url, path = '/'] = /^([^/]*\/\/[^/?#]*)(\/[^?#]*)?$/.exec(url) ?? [];
  return {
    // Not in what is sent: a record has the resource of the program that wrote it.
    serviceName: 'wasm-telemetry inspect',
    enabled: true,
    strict: false,
    format: /** @type {Format} */ (format),
    headers: others,
    ...(authorization && { auth: () => authorization }),
    batch: { ...batch, baseUrl, ...(path !== '/' && { path }) },
  };
}

/** Without the store: what the package does not take, it says at once. */
async function checkOptions(
  /** @type {InitOptions} */ options,
  /** @type {string} */ url,
  /** @type {string} */ usage,
) {
  /** @type {import('../../index.d.ts').Diagnostic[]} */
  const diagnostics = [];
  const onDiagnostic = (/** @type {import('../../index.d.ts').Diagnostic} */ one) =>
    void diagnostics.push(one);
  const trial = new Telemetry({ ...options, store: 'memory', onDiagnostic });
  await trial.ready();
  const { state } = trial.stats();
  await trial.shutdown({ timeoutMillis: 0 });
  // What is wrong with the environment's variables concerns nobody who names an endpoint.
  const rejected = diagnostics.find(
    ({ code, field = '' }) => code.endsWith('_rejected') && !/^[A-Z_]+$/.test(field),
  );
  if (rejected) {
    const { field = '', message } = rejected;
    const option = /^batch\.(baseUrl|path)$/.test(field) ? `--drain ${url}: ` : '';
    throw new Misuse(printable(option + message), usage);
  }
  if (state !== 'running') {
    const reasons = diagnostics.map(({ message }) => message).join('; ');
    throw new Failure(1, `nothing is sent, the package is ${state}: ${reasons}`);
  }
}

function secondsOf(/** @type {string} */ text = '600', /** @type {string} */ usage) {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= 86_400) return seconds;
  throw new Misuse(`--timeout ${text}: give whole seconds from 1 to 86400`, usage);
}

/**
 * What comes over the wire, up to the first failure. An answer that is neither a success nor "too large" is kept
 * from the package: it might drop the batch by it, or count an attempt, and here somebody may have mistyped an
 * address.
 */
class Wire {
  /** Why it ended early; empty if it did not. */
  problem = '';
  #stopped = new AbortController();

  constructor() {
    const given = globalThis.fetch;
    const { signal } = this.#stopped;
    globalThis.fetch = async (address, init) => {
      signal.throwIfAborted();
      const signals = [signal, ...(init?.signal ? [init.signal] : [])];
      const response = await given(address, { ...init, signal: AbortSignal.any(signals) }).catch(
        (error) => {
          this.stop(`the endpoint can't be reached: ${messageOf(error.cause ?? error)}`);
          throw error;
        },
      );
      if (response.ok || response.status === 413) return response;
      this.stop(`the endpoint answered ${await answerOf(response)}`);
      throw new Error(this.problem);
    };
  }

  /** The first reason counts: nothing is sent from now on, and what is under way has failed. */
  stop(/** @type {string} */ problem) {
    this.problem ||= problem;
    this.#stopped.abort();
  }
}

async function answerOf(/** @type {Response} */ response) {
  const said = await response.text().catch(() => '');
  const wait = response.headers.get('retry-after');
  return [
    `${response.status} ${response.statusText}`.trim(),
    ...(said ? [`: ${said.slice(0, 200)}`] : []),
    ...(wait ? [` (Retry-After: ${wait})`] : []),
  ].join('');
}

/** @returns {string} */
function summary(
  /** @type {import('../../index.d.ts').Ledger} */ ledger,
  /** @type {import('./overview.js').Overview} */ after,
  /** @type {Wire} */ { problem },
) {
  const lines = [`delivered  ${plural(ledger.delivered, 'event')}`];
  for (const [reason, events] of Object.entries(ledger.dropped)) {
    lines.push(`dropped    ${plural(events, 'event')}: ${reason}`);
  }
  const left = (
    /** @type {string} */ why,
    /** @type {import('./record.js').Stored[]} */ records,
  ) => {
    if (records.length === 0) return;
    const events = records.reduce((sum, record) => sum + record.events, 0);
    const what = `${plural(events, 'event')} in ${plural(records.length, 'batch')}: ${why}`;
    lines.push(`left       ${wrapped(printable(what), ' '.repeat(11)).trimStart()}`);
  };
  const held = after.records.filter(isHeld);
  const broken = after.records.filter(({ state }) => state === 'broken');
  const free = after.records.filter(isFree);
  left(problem || 'they came meanwhile', free);
  const last = held.map(({ leasedUntil = '' }) => Date.parse(leasedUntil));
  left(`held by other processes, the last until ${time(Math.max(...last))}`, held);
  left('broken, see --verify', broken);
  if (after.records.length === 0) lines.push('left       nothing');
  return lines.join('\n');
}
