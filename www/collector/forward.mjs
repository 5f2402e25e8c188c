import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { comeAgain, HttpError } from './http.mjs';
import { logsOf } from './otlp-json.mjs';

const TIMEOUT_MILLIS = 8_000;
/** A body that is smaller gains little, as the package has it. */
const COMPRESSED_FROM = 1_024;
const compress = promisify(gzip);
const PASSED_ON = [400, 413, 429, 503];

/**
 * Hands batches to an OTLP/HTTP receiver, and settles when that one took them: the client keeps what
 * it got no 200 for, so that nothing needs a second store here.
 * @param {string} url of its `/v1/logs`
 * @param {[string, string][]} along headers that go with each
 * @param {(problem: string, details: object) => void} log
 */
export function forwarder(url, along, log) {
  /**
   * @param {{ body: object }[]} arrivals
   * @param {{ type: string, bytes: Buffer }} [message] that holds just these, to go on as it is
   */
  async function take(arrivals, message) {
    const type = message?.type ?? 'application/json';
    const body = message?.bytes ?? JSON.stringify(logsOf(arrivals.map(({ body }) => body)));
    const [answer, told] = await post(type, body).catch((error) => {
      log('forward failed', { message: error.cause?.code ?? error.name });
      throw comeAgain(503, 'the collector behind this endpoint does not answer', 5);
    });
    if (answer.ok) return tell(answer, told);
    log('forward refused', { status: answer.status });
    // What says that this endpoint is set up wrongly must not make a client drop its events.
    const status = PASSED_ON.includes(answer.status) ? answer.status : 502;
    const after = answer.headers.get('retry-after');
    const headers = after === null ? {} : { 'Retry-After': after };
    throw new HttpError(status, `the collector answered ${answer.status}`, headers);
  }

  /** @returns {Promise<[Response, Buffer]>} the answer, and all of its body */
  async function post(type, body) {
    const gzipped = body.length > COMPRESSED_FROM;
    const encoding = gzipped ? [['Content-Encoding', 'gzip']] : [];
    const answer = await fetch(url, {
      method: 'POST',
      headers: [...along, ['Content-Type', type], ...encoding],
      body: gzipped ? await compress(body, { level: 3 }) : body,
      signal: AbortSignal.timeout(TIMEOUT_MILLIS),
      redirect: 'manual',
    });
    return [answer, Buffer.from(await answer.arrayBuffer())];
  }

  /** Partial success is passed on to who speaks OTLP. */
  function tell(answer, body) {
    const partial = body.length > 2;
    if (partial) log('forward took a part', { bytes: body.length });
    return partial ? { type: answer.headers.get('content-type') ?? '', body } : undefined;
  }

  return { take, close() {} };
}
