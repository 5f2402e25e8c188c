// Sends requests over so many connections at once, each again until it is answered with 200.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MILLIS = 20;
const MAX_TRIES = 500;

/**
 * @param {string} address
 * @param {{ path: string, headers: Record<string, string>, bytes: Buffer }[]} requests
 * @param {object} options
 * @param {number} options.connections
 * @param {(index: number) => void} [options.taken] a request was answered with 200
 * @returns {Promise<{ seconds: number, latencies: number[], repeated: number }>}
 */
export async function drive(address, requests, { connections, taken = () => {} }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  /** @type {number[]} milliseconds */
  const latencies = [];
  let next = 0;
  let repeated = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < requests.length) {
        const index = next;
        next += 1;
        for (let tries = 1; ; tries += 1) {
          const began = performance.now();
          const status = await post(agent, address, requests[index]);
          if (status === 200) {
            latencies.push(performance.now() - began);
            break;
          }
          if (tries === MAX_TRIES || (status > 0 && status < 500)) {
            throw new Error(`a request was answered with ${status}`);
          }
          repeated += 1;
          await sleep(RETRY_MILLIS);
        }
        taken(index);
      }
    }),
  );
  agent.destroy();
  return { seconds: (performance.now() - start) / 1_000, latencies, repeated };
}

/** @returns {Promise<number>} the status; 0: no answer */
function post(agent, address, { path, headers, bytes }) {
  return new Promise((resolve) => {
    const request = http.request(
      address + path,
      { agent, method: 'POST', headers: { ...headers, 'Content-Length': bytes.length } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0)).on('error', () => resolve(0));
      },
    );
    request.on('error', () => resolve(0));
    request.end(bytes);
  });
}
