// What is in a store's folder, as `files.js` leaves it there. Nothing is changed: no lease is taken, nothing is
// put in order. Meanwhile other processes may rename, write and remove.
import { readdirSync, readFileSync, realpathSync, lstatSync as stat } from 'node:fs';
import { basename, join } from 'node:path';
import { aside, isNewer, parse, unfinishedName } from '../files.js';
import { codeOf, Failure, messageOf } from './failure.js';

/** @typedef {import('node:fs').Stats} Stats */

/**
 * @typedef {object} StoredFile
 * @property {string} file below the folder
 * @property {import('../../index.d.ts').StoreEntry} entry
 * @property {number} writtenAt
 * @property {number} renamedAt when it got its name, and so its lease
 * @property {Uint8Array} [bytes]
 * @property {string} [unreadable] why there are none
 */

/** @typedef {{ file: string, bytes: number, why: string }} OtherFile one that is no record */

export class Folder {
  constructor(/** @type {string} */ path) {
    this.path = realpathSync(path);
  }

  /** @returns {Generator<StoredFile>} the records, the oldest first; each is read as it is asked for */
  *records() {
    for (const found of [...this.#found().values()].sort(byKey)) {
      const file = this.#read(found);
      if (file) yield file;
    }
  }

  /** @returns {Generator<StoredFile>} what could not be read and was set aside */
  *setAside() {
    for (const name of namesIn(join(this.path, aside)).sort()) {
      const found = this.#record(join(aside, name));
      const file = found && this.#read(found);
      if (file) yield file;
    }
  }

  /** @returns {OtherFile[]} */
  others() {
    const names = namesIn(this.path).sort();
    const newest = this.#found(names);
    return names.flatMap((file) => {
      const stats = this.#stats(file);
      const entry = parse(file);
      if (!stats || (file === aside && stats.isDirectory())) return [];
      if (entry && newest.get(entry.key)?.file === file) return [];
      return [{ file, bytes: stats.isFile() ? stats.size : 0, why: reason(file, stats) }];
    });
  }

  /** The newest of each key; a process that died may have left an older one. */
  #found(names = namesIn(this.path)) {
    /** @type {Map<string, StoredFile>} */
    const newest = new Map();
    for (const name of names) {
      const file = this.#record(name);
      if (!file) continue;
      const other = newest.get(file.entry.key);
      if (!other || isNewer(file.entry, other.entry)) newest.set(file.entry.key, file);
    }
    return newest;
  }

  /** @returns {StoredFile | undefined} */
  #record(/** @type {string} */ file) {
    const entry = parse(basename(file));
    const stats = entry && this.#stats(file);
    if (!stats || !isTaken(stats)) return undefined;
    const { mtimeMs: writtenAt, ctimeMs: renamedAt } = stats;
    return { file, entry: { ...entry, bytes: stats.size }, writtenAt, renamedAt };
  }

  /** @returns {StoredFile | undefined} nothing if it is gone */
  #read(/** @type {StoredFile} */ found) {
    for (let file = found; ; ) {
      try {
        return { ...file, bytes: new Uint8Array(readFileSync(join(this.path, file.file))) };
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') return { ...file, unreadable: messageOf(error) };
      }
      // Somebody took it, or gave it up, and so it has another name.
      const again = this.#found().get(file.entry.key);
      if (!again || again.file === file.file) return undefined;
      file = again;
    }
  }

  /** @returns {Stats | undefined} */
  #stats(/** @type {string} */ file) {
    return stat(join(this.path, file), { throwIfNoEntry: false });
  }
}

function namesIn(/** @type {string} */ folder) {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (/^(ENOENT|ENOTDIR)$/.test(codeOf(error))) return [];
    throw new Failure(1, `${folder} can't be read: ${messageOf(error)}`);
  }
}

/** The package takes nothing else in a folder that others may write to. */
function isTaken(/** @type {Stats} */ stats) {
  return stats.isFile() && (process.getuid === undefined || stats.uid === process.getuid());
}

function reason(/** @type {string} */ file, /** @type {Stats} */ stats) {
  if (stats.isSymbolicLink()) return 'a symbolic link, which is never followed';
  if (stats.isDirectory()) return "a folder that is none of the package's";
  if (parse(file)) {
    return isTaken(stats)
      ? 'an earlier state of a record: its process died as it wrote it anew'
      : "another user's";
  }
  if (unfinishedName.test(file)) {
    const pid = Number(/\.batch\.(\d+)\./.exec(file)?.[1]);
    const writer = isAlive(pid) ? 'is writing it' : 'died as it wrote it';
    return `unfinished: process ${pid} ${writer}; what is older than an hour is removed`;
  }
  return "none of the package's files: it is left alone";
}

function isAlive(/** @type {number} */ pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function byKey(/** @type {StoredFile} */ one, /** @type {StoredFile} */ other) {
  return one.entry.key < other.entry.key ? -1 : 1;
}
