// What the endpoint can be told: by a flag, or by an environment variable, or not at all.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** Reads a text as a value; what it throws is told behind the name of the option. */
const text = (/** @type {string} */ given) => {
  if (given === '') throw new Error('must not be empty');
  return given;
};
const whole = (min, max) => (/** @type {string} */ given) => {
  const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new Error(`must be a whole number from ${min} to ${max}, not "${given}"`);
};
const rate = whole(0, 1e9);
const url = (/** @type {string} */ given) => {
  const { protocol } = URL.canParse(given) ? new URL(given) : { protocol: '' };
  if (['http:', 'https:'].includes(protocol)) return given;
  throw new Error(`must be an address like http://127.0.0.1:4318/v1/logs, not "${given}"`);
};
const origins = (/** @type {string} */ given) => {
  const list = given.split(',').map((each) => each.trim());
  for (const each of list) {
    if (each === '*' || (URL.canParse(each) && new URL(each).origin === each)) continue;
    throw new Error(`must be origins like https://shop.example, with commas, or *, not "${each}"`);
  }
  return list;
};
const held = (/** @type {string} */ file) => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(`cannot be read (${error.code}): "${file}"`);
  }
};
/** What a line holds may be secret, so that only its number is told. */
const headers = (/** @type {string} */ file) =>
  held(file)
    .split('\n')
    .map((line, index) => {
      const [, name = '', value = ''] = /^([^:]+):(.+)$/.exec(line.trim()) ?? [];
      if (/^(content-|host$|connection$|transfer-encoding$)/i.test(name)) {
        throw new Error(`must not set ${name} in line ${index + 1}: "${file}"`);
      }
      try {
        return new Headers([[name, value]]);
      } catch {
        throw new Error(`must hold "Name: value" in line ${index + 1}: "${file}"`);
      }
    })
    .flatMap((each) => [...each]);
const token = (/** @type {string} */ file) => {
  const token = held(file);
  if (token.length < 16) throw new Error(`must hold at least 16 characters: "${file}"`);
  return token;
};

/** In the order in which `--help` and docs/endpoint.md have them. */
export const OPTIONS = {
  host: {
    value: 'ADDRESS',
    byDefault: '127.0.0.1',
    read: text,
    what: 'address to listen on; 0.0.0.0 is all',
  },
  port: {
    value: 'N',
    byDefault: '8787',
    read: whole(0, 65_535),
    what: 'port to listen on; 0 is any free one',
  },
  db: {
    value: 'FILE',
    byDefault: 'telemetry.db',
    read: text,
    what: 'the SQLite database, made if it is not there',
  },
  forward: {
    value: 'URL',
    read: url,
    what: 'an OTLP/HTTP receiver of logs that gets the batches instead of a database',
  },
  'forward-headers': {
    value: 'FILE',
    read: headers,
    what: 'holds what goes to it along, a line each: Name: value',
  },
  'token-file': {
    value: 'FILE',
    read: token,
    what: 'holds the bearer token that requests must have',
  },
  origins: {
    value: 'LIST',
    byDefault: '',
    read: (given) => (given === '' ? [] : origins(given)),
    what: 'pages of these origins may send; * is all',
  },
  proxies: {
    value: 'N',
    byDefault: '0',
    read: whole(0, 10),
    what: 'so many proxies of ours are in front, and add to X-Forwarded-For',
  },
  'max-body-bytes': {
    value: 'N',
    byDefault: '4194304',
    read: whole(1_024, 2 ** 28),
    what: 'a larger body gets 413, compressed or not',
  },
  'max-pending-bytes': {
    value: 'N',
    byDefault: '67108864',
    read: whole(1_024, 2 ** 32),
    what: 'while bodies take more at once, 503',
  },
  'request-seconds': {
    value: 'N',
    byDefault: '30',
    read: whole(1, 3_600),
    what: 'a request that takes longer to come gets 408',
  },
  'client-requests': {
    value: 'N',
    byDefault: '20',
    read: rate,
    what: 'requests per second from one client_id; 0 is no limit',
  },
  'client-events': {
    value: 'N',
    byDefault: '2000',
    read: rate,
    what: 'events per second from one client_id',
  },
  'client-bytes': {
    value: 'N',
    byDefault: '1000000',
    read: rate,
    what: 'bytes per second from one client_id, as sent',
  },
  'address-requests': {
    value: 'N',
    byDefault: '200',
    read: rate,
    what: 'requests per second from one address (IPv6: /64)',
  },
  'address-events': {
    value: 'N',
    byDefault: '20000',
    read: rate,
    what: 'events per second from one address',
  },
  'address-bytes': {
    value: 'N',
    byDefault: '10000000',
    read: rate,
    what: 'bytes per second from one address',
  },
  'burst-seconds': {
    value: 'N',
    byDefault: '10',
    read: whole(1, 3_600),
    what: 'who was quiet may use so many seconds of a rate at once',
  },
};

export function variable(name) {
  return `ENDPOINT_${name.toUpperCase().replaceAll('-', '_')}`;
}

export function help() {
  const lines = Object.entries(OPTIONS).map(([name, { value, byDefault, what }]) => {
    const shown = byDefault ? ` (default ${byDefault})` : '';
    return `  ${`--${name} ${value}`.padEnd(24)} ${what}${shown}\n`;
  });
  return `Usage: node www/collector/main.mjs [options]

Takes event batches and keeps them in a SQLite database, or hands them on to an OTLP receiver.

${lines.join('')}  --help                   print this and leave

Each option is an environment variable, too: --max-body-bytes is ENDPOINT_MAX_BODY_BYTES; the flag wins.

Routes:
  POST /api/event_logging/batch   a batch in the json format, gzip or not
  POST /v1/logs                   OTLP logs, as protobuf or JSON, gzip or not
  GET  /health                    200 while it takes batches
`;
}

/**
 * @typedef {ReturnType<typeof readConfig>} Config
 * @param {string[]} args
 * @param {Record<string, string | undefined>} env
 */
export function readConfig(args, env) {
  const flag = /** @type {const} */ ({ type: 'string' });
  const options = Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, flag]));
  const { values } = parseArgs({ args, options: { ...options, help: { type: 'boolean' } } });
  const get = (name) => {
    const { byDefault, read } = OPTIONS[name];
    const given = values[name] ?? env[variable(name)] ?? byDefault;
    try {
      return given === undefined ? undefined : read(given);
    } catch (error) {
      const source = values[name] === undefined ? variable(name) : `--${name}`;
      throw new Error(`${source} ${error.message}`);
    }
  };
  const rates = (who) => ({
    requests: get(`${who}-requests`),
    events: get(`${who}-events`),
    bytes: get(`${who}-bytes`),
  });
  return {
    help: values.help === true,
    host: get('host'),
    port: get('port'),
    db: get('db'),
    forward: get('forward'),
    forwardHeaders: get('forward-headers') ?? [],
    token: get('token-file'),
    origins: get('origins'),
    proxies: get('proxies'),
    maxBodyBytes: get('max-body-bytes'),
    maxPendingBytes: get('max-pending-bytes'),
    requestMillis: get('request-seconds') * 1_000,
    burstSeconds: get('burst-seconds'),
    client: rates('client'),
    address: rates('address'),
  };
}
