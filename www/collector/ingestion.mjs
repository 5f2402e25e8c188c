// The two routes that take batches: the `json` format, and OTLP logs.
import { addressOf } from './address.mjs';
import { bodyReader, expectType, parseJson } from './body.mjs';
import { Answer } from './http.mjs';
import { rateLimit } from './limits.mjs';
import { batchesOf, logsAnswer } from './otlp.mjs';
import { checkBatch, InvalidBatch } from './validation.mjs';

/**
 * @typedef {object} Sink where batches go
 * @property {(arrivals: object[], message?: { type: string, bytes: Buffer }) => Promise<any>} take
 *
 * @param {object} options
 * @param {Sink} options.sink
 * @param {Pick<import('./config.mjs').Config, 'maxBodyBytes' | 'maxPendingBytes' | 'burstSeconds' |
 *   'client' | 'address' | 'proxies'>} options.config
 * @param {(request: import('node:http').IncomingMessage) => void} options.authorize throws a 401
 * @param {(problem: string, details: object) => void} options.log
 */
export function ingestion({ sink, config, authorize, log }) {
  const withBody = bodyReader(config);
  const addresses = rateLimit('address', config.address, config.burstSeconds);
  const clients = rateLimit('client', config.client, config.burstSeconds);

  /** @param {import('node:http').IncomingMessage} request */
  async function admitted(request, take) {
    const address = addressOf(request, config.proxies);
    try {
      authorize(request);
      addresses.admit(address);
      addresses.charge(address, { requests: 1 });
      return await withBody(request, (body) => {
        addresses.charge(address, { bytes: body.wire.length });
        return take(body, address);
      });
    } catch (error) {
      if (error.status !== undefined) log('refused', refusal(error, address));
      throw error;
    }
  }

  /** The client's own limits: who it is stands in the batch. */
  function count(bodies, bytes, address) {
    for (const { batch } of bodies) clients.admit(batch.client_id);
    for (const { batch, events } of bodies) {
      clients.charge(batch.client_id, { requests: 1, events: events.length, bytes });
      addresses.charge(address, { events: events.length });
    }
  }

  function json(request) {
    return admitted(request, async ({ wire, bytes, compressed }, address) => {
      expectType(request, 'application/json');
      const body = parseJson(bytes);
      checkBatch(body);
      count([body], wire.length, address);
      await sink.take([{ body, bytes: wire.length, compressed }]);
      return {};
    });
  }

  function otlp(request) {
    return admitted(request, async ({ wire, bytes, compressed }, address) => {
      const type = expectType(request, 'application/x-protobuf', 'application/json');
      const { sound, rejected, error } = sorted(batchesOf(bytes, type));
      if (error && sound.length === 0) throw error;
      const bodies = sound.map(({ body }) => body);
      count(bodies, wire.length, address);
      const arrivals = sound.map((each) => ({ ...each, compressed }));
      const told = await sink.take(arrivals, error ? undefined : { type, bytes });
      if (told && !error) return new Answer(200, { 'Content-Type': told.type }, told.body);
      if (error) log('took a part', { ...refusal(error, address), status: 200, rejected });
      return logsAnswer(type, rejected, error && `${error.path} ${error.message}`);
    });
  }

  return {
    '/api/event_logging/batch': { POST: json },
    '/v1/logs': { POST: otlp },
  };
}

/** A collector puts batches of several clients into one request: a bad one spoils no other. */
function sorted(batches) {
  const sound = [];
  let rejected = 0;
  let error;
  for (const each of batches) {
    try {
      checkBatch(each.body);
      sound.push(each);
    } catch (thrown) {
      if (!(thrown instanceof InvalidBatch)) throw thrown;
      error ??= thrown;
      rejected += each.body.events.length;
    }
  }
  return { sound, rejected, error };
}

function refusal(error, address) {
  return { status: error.status, path: error.place, message: error.said ?? error.message, address };
}
