// The environment's receiver of events: its address, and the headers and the compression that it wants.
import { attempt, decoded, merged, pairsOf, read } from './variables.js';

/** @typedef {import('../index.d.ts').InitOptions} InitOptions */
/** @typedef {import('./variables.js').Reject} Reject */

/** For all signals, and for logs alone; a value for logs wins. */
const prefixes = ['OTEL_EXPORTER_OTLP_', 'OTEL_EXPORTER_OTLP_LOGS_'];

/** The address for logs is used as it is; the one for all signals is a base, and `path` comes behind. */
export function readEndpoint(/** @type {Reject} */ reject) {
  const [base, own] = prefixes.map((prefix) => {
    const name = `${prefix}ENDPOINT`;
    const text = read(name);
    const url = splitUrl(text);
    if (text && !url) reject(name, addressed);
    return url;
  });
  if (own) return { baseUrl: own.origin, path: own.path || '/' };
  return base ? { baseUrl: base.origin + base.path } : {};
}

const addressed =
  'must be https://host/path, or http:// to loopback, without user, query, fragment or percent-encoding';

/** Stricter than a URL parser, as the configuration is: nothing is repaired. */
function splitUrl(/** @type {string} */ text) {
  const [, origin, scheme, host, path = ''] =
    text.match(/^((https?):\/\/([^/?#@\\\s]+))(\/.*)?$/i) ?? [];
  if (!origin || !/^(\/(?!\.\.?(\/|$))[\w.~!$&'()*+,;=:@-]+)*\/?$/.test(path)) return undefined;
  const loopback = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(host);
  return loopback || /^https$/i.test(scheme) ? { origin, path } : undefined;
}

/**
 * Headers of the program win, name by name. Authorization becomes the default of `auth`.
 * @param {InitOptions} options
 * @param {string | undefined} base where the program itself sends its events
 * @param {Reject} reject
 */
export function applyHeaders(options, base, reject) {
  const [all, own] = prefixes.map((prefix) => `${prefix}HEADERS`);
  const endpoint = read(`${prefixes[1]}ENDPOINT`) || read(`${prefixes[0]}ENDPOINT`);
  if (base !== undefined && endpoint && originOf(base) !== originOf(endpoint)) {
    for (const name of [all, own].filter(read)) {
      reject(name, "is not sent: batch.baseUrl is not of the environment's endpoint's origin");
    }
    return;
  }
  const { authorization, ...headers } = {
    ...readHeaders(all, reject),
    ...readHeaders(own, reject),
  };
  if (authorization) options.auth ??= () => authorization;
  for (const name of Object.keys(attempt(() => ({ ...options.headers })) ?? {})) {
    delete headers[name.toLowerCase()];
  }
  options.headers = merged(headers, options.headers);
}

function originOf(/** @type {string} */ url) {
  return attempt(() => new URL(url).origin);
}

const isName = /^[\w!#$%&'*+.^`|~-]+$/;
const isValue = /^[\t -~\x80-\xff]*$/;
/** Set by the module, or such that `fetch` would refuse every request. */
const notTheirs =
  /^(content-(type|encoding|length)|connection|keep-alive|transfer-encoding|upgrade|expect)$/;

/** One bad pair spoils only itself. It is told by its place: even its name may be a part of a secret. */
function readHeaders(/** @type {string} */ variable, /** @type {Reject} */ reject) {
  /** @type {Record<string, string>} */
  const headers = /** @type {any} */ ({ __proto__: null });
  for (const [index, [text, encoded]] of pairsOf(variable).entries()) {
    const [name, value] = [text.toLowerCase(), decoded(encoded)];
    if (value === undefined || !isName.test(name) || !isValue.test(value)) {
      const must = 'must be name=value,name=value with values percent-encoded';
      reject(variable, `${must}: see its entry ${index + 1}`);
    } else if (notTheirs.test(name)) {
      reject(variable, `must not set ${name}`);
    } else {
      headers[name] = value;
    }
  }
  return headers;
}

export function readCompression(/** @type {Reject} */ reject) {
  const [all, own] = prefixes.map((prefix) => {
    const name = `${prefix}COMPRESSION`;
    const text = read(name).toLowerCase();
    if (text === 'gzip' || text === 'none') return text;
    if (text) reject(name, 'must be gzip or none');
    return undefined;
  });
  return own ?? all;
}
