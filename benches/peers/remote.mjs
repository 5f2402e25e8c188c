// Another process of Node's, asked by messages.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns what answers by message; `first` is the message that it begins with */
export async function spawn(
  /** @type {string} */ file,
  /** @type {string[]} */ args,
  nodeOptions = [],
) {
  // What the sides keep in files goes with them.
  const home = mkdtempSync(join(tmpdir(), 'bench-'));
  const { PATH } = process.env;
  const child = fork(file, args, { execArgv: nodeOptions, env: { PATH, HOME: home } });
  const waiting = new Map();
  let count = 0;
  const first = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error(`${file} ${args.join(' ')} ended`)));
  });
  child.on('message', ({ id, answer, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(answer);
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ${args.join(' ')} ended`));
    rmSync(home, { recursive: true, force: true });
  });
  return {
    first,
    ask(message) {
      count += 1;
      const id = count;
      child.send({ ...message, id });
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    close: () =>
      new Promise((resolve) => {
        if (!child.connected) return resolve(undefined);
        child.once('exit', resolve);
        child.disconnect();
      }),
  };
}
