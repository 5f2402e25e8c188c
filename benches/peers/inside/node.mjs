// One side in a Node process of its own: node inside/node.mjs <file of the side>
import { subject } from './subject.js';

const [file, gzip] = process.argv.slice(2);
if (gzip === 'plain') delete globalThis.CompressionStream;
const { start, run } = subject(await import(file));

process.on('message', async ({ id, name, args }) => {
  try {
    const answer = await (name === 'cpu'
      ? cpu()
      : name === 'start'
        ? start(...args)
        : run(name, ...args));
    process.send?.({ id, answer });
  } catch (error) {
    process.send?.({ id, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });

/** Microseconds of processor time, of all threads. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
