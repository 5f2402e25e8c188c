// The store of Node: what every store must do, and what only files can do wrong.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultDirectory, openFiles } from '../../pkg/src/files.js';
import { SharedStore } from '../../pkg/src/shared.js';

const conformance = JSON.parse(
  fs.readFileSync(new URL('../conformance/store.json', import.meta.url), 'utf8'),
);
const bytes = (length, first) => Uint8Array.from({ length }, (_, index) => (first + index) % 251);
const key = (number) => {
  const hex = number.toString(16).padStart(12, '0');
  return `${hex}-00000000-0000-4000-8000-${hex}`;
};
const entry = (number, more) => ({
  ...{ key: key(number), lease: 0, attempts: 0, events: 3, bytes: 40 },
  ...more,
});

function folder(t) {
  const path = fs.mkdtempSync(join(tmpdir(), 'files-'));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

function files(t) {
  const directory = folder(t);
  const foreign = () => layForeign(directory);
  return { foreign, holders: { A: openFiles(directory), B: openFiles(directory) } };
}

/** workerd's. */
function memory() {
  const store = new SharedStore();
  return { foreign() {}, holders: { A: store, B: store } };
}

const cases = [files, memory].flatMap((open) =>
  conformance.cases.map(({ name, steps }) => ({ name: `${open.name}: ${name}`, steps, open })),
);

for (const { name, steps, open } of cases) {
  test(`every store, ${name}`, (t) => {
    const { holders, foreign } = open(t);
    for (const step of steps.flatMap(repeat)) {
      if (step.op === 'foreign') foreign();
      else if (step.holder === 'AB') assertOneOf(step, holders);
      else assert.deepEqual(answer(holders[step.holder], step), wanted(step), JSON.stringify(step));
    }
  });
}

function repeat({ times = 1, ...step }) {
  return Array.from({ length: times }, (_, index) => {
    const text = JSON.stringify(step).replaceAll('#', index.toString(16).padStart(3, '0'));
    return times === 1 ? step : JSON.parse(text);
  });
}

function answer(store, { op, entry: put, record, seen, lease, attempts, key: named }) {
  switch (op) {
    case 'put':
      store.put({ ...put, bytes: record.length }, bytes(record.length, record.first));
      return 'done';
    case 'claim': {
      const claimed = store.claim(seen, lease, attempts);
      return claimed ? Buffer.from(claimed) : 'lost';
    }
    case 'mark':
      return store.mark(seen, lease, attempts) ? 'done' : 'lost';
    case 'list':
      return store.list().sort((a, b) => a.key.localeCompare(b.key));
    default:
      store[op](...[seen ?? named].filter(Boolean));
      return 'done';
  }
}

function wanted({ expect }) {
  if (expect.listed) return expect.listed.flatMap(repeat);
  if (expect.claimed) return Buffer.from(bytes(expect.claimed.length, expect.claimed.first));
  return expect;
}

function assertOneOf({ expect, otherwise, ...step }, holders) {
  const answers = Object.values(holders).map((store) => answer(store, step));
  const won = answers.filter((given) => given !== otherwise);
  assert.deepEqual(won, [wanted({ expect })]);
}

function layForeign(directory) {
  for (const name of ['.DS_Store', 'notes.txt', `${key(7)}.batch`, `${key(8)}.0.0.x.batch`]) {
    fs.writeFileSync(join(directory, name), 'somebody else wrote this');
  }
  fs.mkdirSync(join(directory, `${key(9)}.0.0.1.batch`));
  fs.symlinkSync('/etc/hostname', join(directory, `${key(10)}.0.0.1.batch`));
}

test('files of others are never touched', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  layForeign(directory);
  const before = fs.readdirSync(directory).sort();
  store.put(entry(1), bytes(40, 1));
  store.list();
  for (const number of [7, 8, 9, 10]) {
    assert.equal(store.claim(entry(number, { events: 1 }), 5, 0), undefined);
    store.remove(entry(number));
    store.quarantine(key(number));
  }
  store.clear();
  assert.deepEqual(
    fs
      .readdirSync(directory)
      .filter((name) => name !== 'aside')
      .sort(),
    before,
  );
});

test('the folder is 0700 and each file 0600, whatever the umask', (t) => {
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const directory = join(folder(t), 'state', 'shop');
  const store = openFiles(directory);
  store.put(entry(1), bytes(40, 1));
  store.put(entry(2), bytes(40, 1));
  store.quarantine(key(2));
  const mode = (path) => fs.statSync(path).mode & 0o777;
  assert.equal(mode(directory), 0o700);
  assert.equal(mode(join(directory, 'aside')), 0o700);
  const files = fs.readdirSync(directory).filter((name) => name !== 'aside');
  assert.deepEqual(files, [`${key(1)}.0.0.3.batch`]);
  assert.equal(mode(join(directory, files[0])), 0o600);
});

test('a key can lead nowhere else', (t) => {
  const store = openFiles(folder(t));
  for (const bad of ['../../escaped', `${key(1)}/x`, '', `${key(1)}\0`]) {
    assert.throws(() => store.put(entry(1, { key: bad }), bytes(1, 1)), { name: 'TypeError' });
  }
  assert.throws(() => store.put(entry(1, { lease: -1 }), bytes(1, 1)), { name: 'TypeError' });
});

test('a folder that is a symbolic link, or a file, is refused', (t) => {
  const directory = folder(t);
  fs.mkdirSync(join(directory, 'real'));
  fs.symlinkSync('real', join(directory, 'link'));
  fs.writeFileSync(join(directory, 'file'), '');
  assert.throws(() => openFiles(join(directory, 'link')), /no directory/);
  assert.throws(() => openFiles(join(directory, 'file')), /EEXIST|no directory/);
});

test('a symbolic link in the place of a record is not followed', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  store.put(entry(1), bytes(40, 1));
  const path = join(directory, `${key(1)}.0.0.3.batch`);
  const secret = join(directory, 'secret');
  fs.writeFileSync(secret, 'secret');
  fs.rmSync(path);
  fs.symlinkSync(secret, path);
  assert.deepEqual(store.list(), []);
  assert.equal(store.claim(entry(1), 5, 0), undefined);
  assert.equal(fs.readFileSync(secret, 'utf8'), 'secret');
});

test('what a process left unfinished is not listed, and goes after an hour', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  const fresh = `${key(1)}.0.0.3.batch.4242.0011aabb.tmp`;
  const stale = `${key(2)}.0.0.3.batch.4242.0011aabb.tmp`;
  const foreign = 'editor.tmp';
  const old = Date.now() / 1000 - 3_700;
  for (const name of [fresh, stale, foreign]) fs.writeFileSync(join(directory, name), 'half');
  for (const name of [stale, foreign]) fs.utimesSync(join(directory, name), old, old);
  assert.deepEqual(store.list(), []);
  assert.deepEqual(fs.readdirSync(directory).sort(), [fresh, foreign].sort());
});

test('of two files of one record the one with more events stays', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  const shorter = join(directory, `${key(1)}.0.0.3.batch`);
  const longer = join(directory, `${key(1)}.9.0.7.batch`);
  fs.writeFileSync(shorter, bytes(10, 0));
  fs.writeFileSync(longer, bytes(20, 0));
  assert.deepEqual(store.list(), [entry(1, { lease: 9, events: 7, bytes: 20 })]);
  assert.deepEqual(fs.readdirSync(directory), [`${key(1)}.9.0.7.batch`]);
});

test('a record that grows leaves no file behind', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  for (let events = 1; events <= 20; events += 1) {
    store.put(entry(1, { events }), bytes(events, 0));
  }
  assert.deepEqual(fs.readdirSync(directory), [`${key(1)}.0.0.20.batch`]);
});

test('no more than 20 records are kept aside, the latest', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  for (let number = 1; number <= 25; number += 1) {
    store.put(entry(number), bytes(4, 0));
    store.quarantine(key(number));
  }
  const aside = fs.readdirSync(join(directory, 'aside')).sort();
  assert.equal(aside.length, 20);
  assert.equal(aside[0], `${key(6)}.0.0.3.batch`);
  store.clear();
  assert.deepEqual(fs.readdirSync(join(directory, 'aside')), []);
});

test('a full disk is told by its name, and leaves nothing half-written', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  const { openSync } = fs;
  t.after(() => Object.assign(fs, { openSync }));
  // Whatever is written to this device, the kernel says ENOSPC.
  fs.openSync = (path, ...rest) =>
    String(path).endsWith('.tmp')
      ? openSync(path, ...rest) && openSync('/dev/full', 'w')
      : openSync(path, ...rest);
  assert.throws(() => store.put(entry(1), bytes(40, 1)), {
    name: 'QuotaExceededError',
    code: 'ENOSPC',
  });
  fs.openSync = openSync;
  assert.deepEqual(fs.readdirSync(directory), []);
  store.put(entry(1), bytes(40, 1));
  assert.equal(store.list().length, 1);
});

/** Lets an operation fail as the system would. */
function failing(t, name, code, applies) {
  const { [name]: original } = fs;
  t.after(() => Object.assign(fs, { [name]: original }));
  fs[name] = (...args) => {
    if (applies(...args.map(String))) throw Object.assign(new Error(code), { code });
    return original(...args);
  };
}

test('a folder that is removed meanwhile is made again', (t) => {
  const directory = join(folder(t), 'store');
  const store = openFiles(directory);
  store.put(entry(1), bytes(40, 1));
  fs.rmSync(directory, { recursive: true });
  assert.deepEqual(store.list(), []);
  assert.equal(store.claim(entry(1), 5, 0), undefined);
  store.remove(entry(1));
  store.clear();
  store.put(entry(2), bytes(40, 1));
  assert.deepEqual(store.list(), [entry(2)]);
  assert.equal(fs.statSync(directory).mode & 0o777, 0o700);
});

test('a record that nobody may read is taken as an empty one, so that it is set aside', (t) => {
  const store = openFiles(folder(t));
  store.put(entry(1), bytes(40, 1));
  store.put(entry(2), bytes(40, 1));
  failing(t, 'openSync', 'EACCES', (path) => path.includes(key(1)));
  assert.equal(store.claim(entry(1), 5, 0)?.length, 0);
  assert.equal(store.claim(entry(2), 5, 0)?.length, 40);
  store.quarantine(key(1));
  assert.deepEqual(
    store.list().map((each) => each.key),
    [key(2)],
  );
});

test('a process with too many open files claims nothing, and loses nothing', (t) => {
  const store = openFiles(folder(t));
  store.put(entry(1), bytes(40, 1));
  failing(t, 'openSync', 'EMFILE', () => true);
  assert.throws(() => store.claim(entry(1), 5, 0), { code: 'EMFILE' });
  assert.deepEqual(store.list(), [entry(1, { lease: 5 })]);
});

test('a record that nothing can be told of does not hide the others', (t) => {
  const store = openFiles(folder(t));
  store.put(entry(1), bytes(40, 1));
  store.put(entry(2), bytes(40, 1));
  failing(t, 'lstatSync', 'EIO', (path) => path.includes(key(1)));
  assert.deepEqual(store.list(), [entry(2)]);
});

test('what a record replaced may stay for now: the new one is written, and wins', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  store.put(entry(1), bytes(40, 1));
  const { unlinkSync } = fs;
  failing(t, 'unlinkSync', 'EPERM', () => true);
  store.put(entry(1, { events: 4 }), bytes(40, 1));
  assert.equal(fs.readdirSync(directory).length, 2);
  assert.deepEqual(store.list(), [entry(1, { events: 4 })]);
  fs.unlinkSync = unlinkSync;
  store.list();
  assert.deepEqual(fs.readdirSync(directory), [`${key(1)}.0.0.4.batch`]);
});

test('a record that can not be set aside is removed', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  fs.writeFileSync(join(directory, 'aside'), 'no folder');
  store.put(entry(1), bytes(40, 1));
  store.quarantine(key(1));
  assert.deepEqual(fs.readdirSync(directory), ['aside']);
});

test('a wipe goes on behind a file that stays', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  for (const number of [1, 2, 3]) store.put(entry(number), bytes(40, 1));
  failing(t, 'unlinkSync', 'EPERM', (path) => path.includes(key(2)));
  assert.throws(() => store.clear(), { code: 'EPERM' });
  assert.deepEqual(fs.readdirSync(directory), [`${key(2)}.0.0.3.batch`]);
});

test('a name with zeros in front is one record with the same name without', (t) => {
  const directory = folder(t);
  const store = openFiles(directory);
  for (const name of [`${key(1)}.0.0.3.batch`, `${key(1)}.000.0.2.batch`]) {
    fs.writeFileSync(join(directory, name), bytes(40, 1));
  }
  assert.deepEqual(store.list(), [entry(1)]);
  assert.equal(fs.readdirSync(directory).length, 1);
});

test('an empty path is no directory', () => {
  assert.throws(() => openFiles(''), TypeError);
});

test('the default folder is one per service, and its name holds nothing strange', (t) => {
  const before = process.env.XDG_STATE_HOME;
  t.after(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = before;
  });
  process.env.XDG_STATE_HOME = '/state';
  const names = ['shop', 'Shop', '../../etc', 'a/b', 'a_b', '…', '.', 'x'.repeat(500)];
  const folders = names.map(defaultDirectory);
  assert.equal(new Set(folders).size, names.length);
  for (const path of folders) {
    assert.match(path, /^\/state\/wasm-telemetry\/[A-Za-z0-9_-]{1,49}$/);
  }
  process.env.XDG_STATE_HOME = 'relative';
  assert.match(defaultDirectory('shop'), /\/\.local\/state\/wasm-telemetry\/shop-[0-9a-f]{8}$/);
});

test('who was told by a wrong clock that a record is free does not remove what its holder wrote since', (t) => {
  for (const look of ['nobody', 'other', 'third']) {
    const directory = folder(t);
    const [holder, other, third] = [1, 2, 3].map(() => openFiles(directory));
    const lists = { nobody: () => {}, other: other.list, third: third.list };
    holder.put(entry(1, { events: 3, lease: 1_000 }), bytes(40, 1));
    assert.deepEqual(other.claim(entry(1, { lease: 1_000 }), 9_000, 0), bytes(40, 1));
    const grown = entry(1, { events: 5, lease: 2_000, bytes: 60 });
    holder.put(grown, bytes(60, 1));
    lists[look]();
    other.remove(entry(1));
    assert.deepEqual(third.list(), [grown], look);
    holder.remove(grown);
    assert.deepEqual(third.list(), [], look);
  }
});
