// An endpoint that is sometimes down, and knows of every request who sent it and what became of it.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

/**
 * @typedef {object} Taking
 * @property {string} holder who sent it, by its header
 * @property {string} batch
 * @property {{ event_id: string, event_metadata: { run: number, n: number } }[]} events
 * @property {boolean} taken whether the endpoint has the events
 * @property {boolean} lost whether it has them, and did not get its answer through
 * @property {boolean} open whether the sender still waits for an answer
 */

const weathers = {
  up: ['take', 'take', 'slow'],
  flaky: ['take', 'slow', 'refuse', 'break', 'lose'],
  down: ['refuse', 'break'],
  hanging: ['hang', 'hang', 'slow'],
};

/**
 * @param {import('node:test').TestContext} t
 * @param {ReturnType<typeof import('./dice.mjs').dice>} dice
 */
export async function startFaulty(t, dice) {
  /** @type {Taking[]} */
  const requests = [];
  /** @type {string[]} batches, each with two senders that exported it at a time */
  const overlaps = [];
  /** @type {keyof typeof weathers} */
  let weather = 'up';
  const change = () => {
    weather = dice.pick(/** @type {(keyof typeof weathers)[]} */ (Object.keys(weathers)));
    timer = setTimeout(change, dice.between(100, 900));
  };
  let timer = setTimeout(change, 100);

  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // Its sender died in the middle.
    }
    const bytes = Buffer.concat(chunks);
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
    const { batch, events } = JSON.parse(String(text));
    const does = dice.pick(weathers[weather]);
    /** @type {Taking} */
    const taking = {
      holder: String(request.headers['x-holder']),
      batch: batch.id,
      events,
      taken: does === 'take' || does === 'slow' || does === 'lose',
      lost: false,
      open: true,
    };
    const other = requests.find(
      ({ open, batch, holder }) => open && batch === taking.batch && holder !== taking.holder,
    );
    if (other) overlaps.push(`${taking.batch}: ${other.holder} and ${taking.holder}`);
    requests.push(taking);
    response.on('close', () => {
      taking.open = false;
      taking.lost = taking.taken && !response.writableFinished;
    });
    if (does === 'hang') return;
    if (does === 'slow') await new Promise((resolve) => setTimeout(resolve, dice.between(5, 150)));
    if (does === 'lose' || does === 'break') request.socket.destroy();
    else response.writeHead(does === 'refuse' ? 503 : 200).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const stop = () => {
    clearTimeout(timer);
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  t.after(stop);
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    overlaps,
    /** No more faults. */
    heal() {
      clearTimeout(timer);
      weather = 'up';
    },
  };
}
