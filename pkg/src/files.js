// The store of Node, Deno and Bun: a folder with one file per batch, shared by all processes of a service.
//
// A file's name holds all that is said about its record, `<key>.<lease>.<attempts>.<events>.batch`, so
// that a lease is taken by renaming: of several processes that saw the same name one succeeds, and the
// others find it gone. A record is written beside its place and renamed into it, so that whoever reads
// it sees all of it. It is not forced onto the disk, which would hold the program up for milliseconds each
// time. A process that dies loses nothing by that. A machine that dies loses what the system had not
// written yet, the last half minute as a rule: such a record is absent, or torn, which its checksum tells.
//
// Everything is synchronous, for nothing else works while a process exits.
import { builtin, isGranted, process, variable } from './runtime.js';

/** @typedef {import('../index.d.ts').Store} Store */
/** @typedef {import('../index.d.ts').StoreEntry} Entry */

const recordName = /^([0-9a-f]{12}-[0-9a-f-]{36})\.(\d{1,16})\.(\d{1,10})\.(\d{1,10})\.batch$/;
export const unfinishedName = /^[0-9a-f]{12}-[0-9a-f-]{36}\.[\d.]+\.batch\.\d+\.[0-9a-f]+\.tmp$/;
export const aside = 'aside';
const mostAside = 20;
const unfinishedMillis = 3_600_000;

/** Where the batches of a service go if the host names no directory. */
export function defaultDirectory(/** @type {string} */ serviceName) {
  const { isAbsolute, join } = builtin('node:path');
  demand({ name: 'sys', kind: 'homedir' });
  const home = builtin('node:os').homedir();
  const { platform } = process;
  const state = () => {
    if (platform === 'darwin') return join(home, 'Library', 'Application Support');
    if (platform === 'win32') return variable('LOCALAPPDATA') || join(home, 'AppData', 'Local');
    const given = variable('XDG_STATE_HOME');
    return given && isAbsolute(given) ? given : join(home, '.local', 'state');
  };
  const hash = builtin('node:crypto').createHash('sha256').update(serviceName).digest('hex');
  const readable = serviceName.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 40);
  return join(state(), 'wasm-telemetry', `${readable}-${hash.slice(0, 8)}`);
}

/**
 * Throws if the directory can't be made, is not this user's own, or can't be written.
 * @returns {Store}
 */
export function openFiles(/** @type {string} */ path) {
  const fs = builtin('node:fs');
  const { join, resolve } = builtin('node:path');
  const { randomBytes } = builtin('node:crypto');
  const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_RDONLY, O_WRONLY } = fs.constants;

  const mayAsk = isGranted({ name: 'sys', kind: 'uid' });
  const user = mayAsk ? process.getuid?.() : undefined;
  const isOwn = (/** @type {import('node:fs').Stats} */ { uid }) =>
    user === undefined || uid === user;

  if (path === '') throw new TypeError('directory must be a path that is not empty');
  for (const name of ['read', 'write']) demand({ name, path });
  const directory = resolve(path);
  ownFolder(directory);

  /** @type {Map<string, string>} where a key's record was last seen */
  const names = new Map();

  return { list, put, claim, mark, remove, quarantine, clear };

  function list() {
    /** @type {Map<string, Entry>} */
    const entries = new Map();
    names.clear();
    for (const name of allNames()) {
      if (unfinishedName.test(name)) removeIfOld(name);
      const entry = parse(name);
      const stats = entry && regularFile(name);
      if (!stats) continue;
      entry.bytes = stats.size;
      const other = entries.get(entry.key);
      // A process died between writing a record anew and removing what it replaced.
      if (other && isNewer(other, entry)) {
        discard(name);
        continue;
      }
      if (other) discard(/** @type {string} */ (names.get(entry.key)));
      entries.set(entry.key, entry);
      names.set(entry.key, name);
    }
    return [...entries.values()];
  }

  function put(/** @type {Entry} */ entry, /** @type {Uint8Array} */ bytes) {
    const name = nameOf(entry);
    // Nothing but what `list` would read again, and no way out of the directory.
    if (!recordName.test(name)) throw new TypeError(`not a record's key: ${entry.key}`);
    if (!unlessGone(() => write(name, bytes))) {
      // Somebody removed the directory.
      ownFolder(directory);
      write(name, bytes);
    }
    const before = names.get(entry.key);
    names.set(entry.key, name);
    if (before !== undefined && before !== name) discard(before);
  }

  function claim(
    /** @type {Entry} */ seen,
    /** @type {number} */ lease,
    /** @type {number} */ attempts,
  ) {
    const name = move(seen, lease, attempts);
    if (name === undefined) return undefined;
    try {
      return read(name);
    } catch (error) {
      // Nobody may read this record, or the disk can't: an empty one is set aside, and the others go on.
      if (/^(EACCES|EPERM|EIO|ELOOP|EISDIR)$/.test(codeOf(error))) return new Uint8Array();
      throw error;
    }
  }

  function mark(
    /** @type {Entry} */ seen,
    /** @type {number} */ lease,
    /** @type {number} */ attempts,
  ) {
    return move(seen, lease, attempts) !== undefined;
  }

  function remove(/** @type {Entry} */ { key, events }) {
    const isSeen = (/** @type {string} */ name) =>
      /** @type {Entry} */ (parse(name)).events <= events;
    const last = names.get(key);
    names.delete(key);
    if (last !== undefined && isSeen(last) && unlink(last)) return;
    // Another process may move it meanwhile.
    const ofThose = () => namesOf(key).filter(isSeen);
    for (let all = ofThose(); all.length > 0; all = ofThose()) all.forEach(unlink);
  }

  function quarantine(/** @type {string} */ key) {
    names.delete(key);
    try {
      ownFolder(at(aside));
      for (const name of namesOf(key)) renamed(name, join(aside, name));
      // They are looked at by people, if at all. Names sort by age.
      const old = fs.readdirSync(at(aside)).filter(parse).sort().slice(0, -mostAside);
      for (const name of old) unlink(join(aside, name));
    } catch {
      // It must not come back, whether anybody can look at it or not.
      namesOf(key).forEach(unlink);
    }
  }

  /** Goes on where something fails, and then throws. */
  function clear() {
    /** @type {unknown[]} */
    const failed = [];
    const attempt = (/** @type {() => void} */ action) => {
      try {
        action();
      } catch (error) {
        failed.push(error);
      }
    };
    names.clear();
    const all = allNames();
    const mine = all.filter((name) => parse(name) || unfinishedName.test(name));
    if (all.includes(aside)) {
      attempt(() => {
        ownFolder(at(aside));
        const old = fs.readdirSync(at(aside)).filter(parse);
        mine.push(...old.map((name) => join(aside, name)));
      });
    }
    for (const name of mine.filter(regularFile)) attempt(() => unlink(name));
    if (failed.length > 0) throw failed[0];
  }

  /** @returns the new name; undefined if the record is no longer what was seen */
  function move(
    /** @type {Entry} */ seen,
    /** @type {number} */ lease,
    /** @type {number} */ attempts,
  ) {
    const last = names.get(seen.key);
    const known = last !== undefined && isSeen(last) ? tryMove(last) : undefined;
    if (known !== undefined) return known;
    // Another process has put the record, or moved it, since this one looked.
    for (const name of namesOf(seen.key)) {
      const moved = isSeen(name) ? tryMove(name) : undefined;
      if (moved !== undefined) return moved;
    }
    names.delete(seen.key);
    return undefined;

    function isSeen(/** @type {string} */ name) {
      const entry = parse(name);
      return entry && entry.lease === seen.lease && entry.attempts === seen.attempts;
    }

    function tryMove(/** @type {string} */ name) {
      const entry = /** @type {Entry} */ (parse(name));
      const to = nameOf({ ...entry, lease, attempts });
      if (!renamed(name, to)) return undefined;
      names.set(seen.key, to);
      return to;
    }
  }

  /** Nothing, if somebody removed the directory. */
  function allNames() {
    /** @type {string[]} */
    let all = [];
    unlessGone(() => {
      all = fs.readdirSync(directory);
    });
    return all;
  }

  function namesOf(/** @type {string} */ key) {
    return allNames().filter((name) => parse(name)?.key === key && regularFile(name));
  }

  function write(/** @type {string} */ name, /** @type {Uint8Array} */ bytes) {
    const unfinished = `${name}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      const file = fs.openSync(at(unfinished), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        fs.writeFileSync(file, bytes);
      } finally {
        fs.closeSync(file);
      }
      fs.renameSync(at(unfinished), at(name));
    } catch (error) {
      discard(unfinished);
      throw told(error);
    }
  }

  function read(/** @type {string} */ name) {
    const file = fs.openSync(at(name), O_RDONLY | O_NOFOLLOW);
    try {
      return new Uint8Array(fs.readFileSync(file));
    } finally {
      fs.closeSync(file);
    }
  }

  function renamed(/** @type {string} */ from, /** @type {string} */ to) {
    return unlessGone(() => fs.renameSync(at(from), at(to)));
  }

  function unlink(/** @type {string} */ name) {
    return unlessGone(() => fs.unlinkSync(at(name)));
  }

  function discard(/** @type {string} */ name) {
    try {
      unlink(name);
    } catch {
      // What is left over, `list` meets again.
    }
  }

  function removeIfOld(/** @type {string} */ name) {
    const stats = regularFile(name);
    if (stats && Date.now() - stats.mtimeMs > unfinishedMillis) discard(name);
  }

  function regularFile(/** @type {string} */ name) {
    try {
      const stats = fs.lstatSync(at(name));
      // In a folder that others may write to, what they put there is none of ours.
      return stats.isFile() && isOwn(stats) ? stats : undefined;
    } catch {
      return undefined;
    }
  }

  function ownFolder(/** @type {string} */ folder) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = fs.lstatSync(folder);
    if (!stats.isDirectory()) throw new Error(`${folder} is no directory`);
    // Both that follow need to know the user. Where nobody may ask for that, a write that fails tells.
    if (!mayAsk) return;
    if (!isOwn(stats)) throw new Error(`${folder} is another user's`);
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  }

  function at(/** @type {string} */ name) {
    return join(directory, name);
  }
}

function demand(/** @type {Parameters<typeof isGranted>[0]} */ permission) {
  if (isGranted(permission)) return;
  const { name, kind, path } = permission;
  throw new Error(`Deno was not given --allow-${name}=${kind ?? path}`);
}

function nameOf(/** @type {Entry} */ { key, lease, attempts, events }) {
  return `${key}.${lease}.${attempts}.${events}.batch`;
}

/** @returns {Entry | undefined} nothing if the name is none of a record's */
export function parse(/** @type {string} */ name) {
  const match = recordName.exec(name);
  if (!match) return undefined;
  const [lease, attempts, events] = match.slice(2).map(Number);
  return { key: match[1], lease, attempts, events, bytes: 0 };
}

export function isNewer(/** @type {Entry} */ one, /** @type {Entry} */ other) {
  return (
    (one.events - other.events || one.attempts - other.attempts || one.lease - other.lease) > 0
  );
}

function unlessGone(/** @type {() => void} */ action) {
  try {
    action();
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** @returns {string} */
function codeOf(/** @type {any} */ error) {
  return error?.code ?? '';
}

// The name by which browsers call it, too.
function told(/** @type {any} */ error) {
  if (/^(ENOSPC|EDQUOT)$/.test(codeOf(error))) error.name = 'QuotaExceededError';
  return error;
}
