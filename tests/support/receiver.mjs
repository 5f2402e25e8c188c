// A real OpenTelemetry collector, and what it prints of the logs that it gets.
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { freePort, startRotel } from '../../tools/rotel.mjs';

/**
 * @typedef {{ [key: string]: bigint | number | boolean | string }} Attributes
 *   an integer is a bigint, so that it differs from a double
 * @typedef {object} LogRecord
 * @property {Attributes} resource
 * @property {{ name: string, version: string, attributes: Attributes }} scope
 * @property {bigint} time nanoseconds since 1970
 * @property {bigint} observedTime
 * @property {string} severity its text and number
 * @property {string} eventName
 * @property {string} body
 * @property {Attributes} attributes
 */

/**
 * @param {import('./server.mjs').Scope} t
 * @param {string[]} [exporter] what becomes of the logs, other than that they are printed
 */
export async function startReceiver(t, exporter = ['--exporter', 'blackhole']) {
  const port = await freePort();
  const args = ['--debug-log', 'logs', '--debug-log-verbosity', 'detailed', ...exporter];
  let text = '';
  const run = () => startRotel(port, args, (more) => (text += more));
  let child = await run();

  async function stop(/** @type {NodeJS.Signals} */ signal) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  }
  t.after(() => stop('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    /**
     * Answers a request by handing it on as it is: the collector itself answers no page of another origin.
     * @param {import('./server.mjs').Received} request
     * @returns {Promise<import('./server.mjs').Answer>}
     */
    async relay({ path, headers: given, bytes }) {
      const headers = Object.entries(given).filter(([name]) => name.startsWith('content-'));
      const response = await fetch(url + path, {
        method: 'POST',
        headers: /** @type {[string, string][]} */ (headers),
        body: bytes,
      });
      const type = response.headers.get('content-type') ?? '';
      const body = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, headers: { 'Content-Type': type }, body };
    },
    stop,
    async start() {
      child = await run();
    },
    /** What it has printed so far, in all its lives. */
    records: () => parse(text),
  };
}

// As the collector prints a value: its type, and the value as Rust displays it.
const kinds = {
  Int: BigInt,
  Double: Number,
  Bool: (/** @type {string} */ text) => text === 'true',
  Str: String,
};
const attribute = /^ {5}-> (.*?): (Int|Double|Bool|Str)\((.*)\)$/s;
const titles = [
  ...['ResourceLog #', 'Resource SchemaURL:', 'Resource attributes:', 'ScopeLogs #'],
  ...['ScopeLogs SchemaURL:', 'InstrumentationScope ', 'LogRecord #', 'ObservedTimestamp: '],
  ...['Timestamp: ', 'SeverityText: ', 'SeverityNumber: ', 'EventName: ', 'Body: ', 'Attributes:'],
  ...['     -> ', '    Trace ID ', '    Span ID ', 'Flags: '],
];

/** @returns {LogRecord[]} those that are printed to the end */
function parse(/** @type {string} */ text) {
  /** @type {LogRecord[]} */
  const records = [];
  /** @type {any} */
  let resource = {};
  /** @type {any} */
  let scope = {};
  /** @type {any} */
  let record = {};
  /** @type {Attributes} */
  let attributes = {};
  for (const entry of entries(text)) {
    const [, key, kind, value] = attribute.exec(entry) ?? [];
    const [, title, rest = ''] = /^(\w+)[ :]+(.*)$/s.exec(entry) ?? [];
    if (kind) attributes[key] = kinds[/** @type {keyof typeof kinds} */ (kind)](value);
    else if (title === 'ResourceLog') resource = {};
    else if (title === 'ScopeLogs') scope = {};
    else if (entry === 'Resource attributes:') resource = attributes = {};
    else if (entry === 'InstrumentationScope attributes:') scope.attributes = attributes = {};
    else if (title === 'InstrumentationScope') {
      const [name, version] = rest.split(/ (?=\S*$)/);
      scope = { name, version, attributes: {} };
    } else if (title === 'LogRecord') record = { resource, scope, attributes: {} };
    else if (title === 'Timestamp') record.time = BigInt(rest);
    else if (title === 'ObservedTimestamp') record.observedTime = BigInt(rest);
    else if (title === 'SeverityText') record.severity = rest;
    else if (title === 'SeverityNumber') record.severity += rest;
    else if (title === 'EventName') record.eventName = rest;
    else if (title === 'Body') record.body = rest.replace(/^Str\((.*)\)$/s, '$1');
    else if (title === 'Attributes') record.attributes = attributes = {};
    else if (title === 'Flags') records.push(record);
  }
  return records;
}

/** A text may have lines of its own: they belong to the entry above them. */
function* entries(/** @type {string} */ text) {
  let entry = '';
  for (const line of text.split('\n').slice(0, -1)) {
    if (titles.some((title) => line.startsWith(title))) {
      if (entry) yield entry;
      entry = line;
    } else if (!/^\S+Z +[A-Z]+ /.test(stripVTControlCharacters(line))) {
      entry += `\n${line}`;
    }
  }
  yield entry;
}
