// The endpoint with what only the demo needs: its page, faults on purpose, and a look at what arrived.
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bearer } from '../auth.mjs';
import { bodyReader, expectType, parseJson } from '../body.mjs';
import { readConfig } from '../config.mjs';
import { cors } from '../cors.mjs';
import { Answer, allowMethod, HttpError } from '../http.mjs';
import { ingestion } from '../ingestion.mjs';
import { keeper } from '../keep.mjs';
import { createServer } from '../server.mjs';
import { FEATURES } from './experiment.mjs';
import { faultSwitch } from './faults.mjs';
import { runQuery } from './query.mjs';
import { serveFile } from './static.mjs';

const MAX_LISTED = 1_000;
const INVALID = [400, 413, 415];
const UNLIMITED = { requests: 0, events: 0, bytes: 0 };

/**
 * @param {object} options
 * @param {ReturnType<import('../database.mjs').openDatabase>} options.database
 * @param {string} [options.page] folder of the page
 * @param {string} [options.otlp] address of an OpenTelemetry collector that exports to this one
 */
export function createDemo({ database, page, otlp }) {
  const faults = faultSwitch();
  const folder = page === undefined ? undefined : path.resolve(page);
  const config = { ...readConfig([], {}), client: UNLIMITED, address: UNLIMITED };
  const withBody = bodyReader(config);
  let patch = {};

  const log = (problem, { message, path: where = 'body' }) => {
    if (problem === 'failed' || problem === 'not kept') console.error(problem, message);
    if (problem === 'took a part') database.countInvalid(where, message);
  };
  const sink = keeper(database, log);
  const taken = ingestion({ sink, config, authorize: bearer(), log });
  const json = countingInvalid(taken['/api/event_logging/batch'].POST);
  const logs = countingInvalid(taken['/v1/logs'].POST);

  const routes = {
    '/api/event_logging/batch': { POST: underFaults(json) },
    '/v1/logs': { POST: underFaults(otlp === undefined ? logs : relay) },
    ...(otlp && { '/exported/v1/logs': { POST: logs } }),
    '/api/state': { GET: () => ({ ...database.state(), faults: faults.get() }) },
    '/api/events': { GET: (_, url) => database.events(limit(url)) },
    '/api/batches': { GET: (_, url) => database.batches(limit(url)) },
    '/api/query': { POST: query },
    '/api/faults': { GET: () => faults.get(), PUT: setFaults },
    '/api/config': { GET: () => patch, PUT: setConfig },
    '/api/features': { GET: () => FEATURES },
  };

  function countingInvalid(take) {
    return async (request) => {
      try {
        return await take(request);
      } catch (error) {
        if (INVALID.includes(error.status)) database.countInvalid(error.path, error.message);
        throw error;
      }
    };
  }

  function underFaults(take) {
    return async (request) => {
      const { mode, delayMillis, retryAfterSeconds } = faults.get();
      if (mode === 'down') {
        request.socket.destroy();
        return undefined;
      }
      if (mode === 'throttle') {
        throw new HttpError(429, 'too many requests', { 'Retry-After': String(retryAfterSeconds) });
      }
      if (mode === 'error500') throw new HttpError(500, 'the server fails on purpose');
      const answer = await take(request);
      // Slow is slow after the commit: a client that gives up and repeats shows as duplicates.
      if (mode === 'slow') await sleep(delayMillis);
      return answer;
    };
  }

  /** Hands a page's request on as it is: other collectors answer no page of another origin. */
  function relay(request) {
    return withBody(request, async ({ wire }) => {
      const headers = Object.entries(request.headers).filter(([name]) =>
        name.startsWith('content-'),
      );
      const answer = await fetch(`${otlp}/v1/logs`, { method: 'POST', headers, body: wire }).catch(
        () => {
          throw new HttpError(502, 'the OpenTelemetry collector does not answer');
        },
      );
      const told = ['content-type', 'retry-after'].flatMap((name) => {
        const value = answer.headers.get(name);
        return value === null ? [] : [[name, value]];
      });
      const body = Buffer.from(await answer.arrayBuffer());
      return new Answer(answer.status, Object.fromEntries(told), body);
    });
  }

  function readJson(request) {
    expectType(request, 'application/json');
    return withBody(request, async ({ bytes }) => parseJson(bytes));
  }

  async function setFaults(request) {
    const value = await readJson(request);
    try {
      return faults.set(value);
    } catch (error) {
      throw error instanceof TypeError ? new HttpError(400, error.message) : error;
    }
  }

  /** Kept as it is: whether a patch is sound is the client's to judge, and worth seeing. */
  async function setConfig(request) {
    const value = await readJson(request);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw new HttpError(400, 'the configuration must be a JSON object');
    }
    patch = value;
    return patch;
  }

  async function query(request) {
    const value = await readJson(request);
    return runQuery(database.file, value?.sql);
  }

  const allowOrigin = cors((origin) => URL.canParse(origin) && isLoopback(new URL(origin)));

  return createServer({
    routes,
    before: (request, response, url) => {
      // A foreign name in `Host` is a page that had its own name point here.
      if (!isLoopback(url)) throw new HttpError(403, 'the demo answers loopback only');
      return allowOrigin(request, response);
    },
    otherwise: (request, response, { pathname }) => {
      if (folder === undefined || pathname.startsWith('/api/')) {
        throw new HttpError(404, `there is no ${pathname} here`);
      }
      allowMethod(request, ['GET', 'HEAD']);
      return serveFile(folder, pathname, request, response);
    },
    log,
    requestMillis: config.requestMillis,
  });
}

/** The page and the demo are one machine's business: nobody else's page may read or write. */
function isLoopback({ hostname }) {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}

function limit(url) {
  const given = url.searchParams.get('limit');
  if (given === null) return 50;
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > MAX_LISTED) {
    throw new HttpError(400, `limit must be a whole number from 1 to ${MAX_LISTED}`);
  }
  return number;
}
