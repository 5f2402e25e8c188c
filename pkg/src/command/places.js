// Which folder is meant.
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultDirectory } from '../files.js';
import { codeOf, Failure, messageOf } from './failure.js';
import { Folder } from './folder.js';

/** Where the services' folders are if a program names none. */
const stateFolder = () => dirname(defaultDirectory('any'));

/**
 * @param {string | undefined} directory
 * @param {string | undefined} service
 * @returns {Folder | undefined} nothing if neither was said
 */
export function folderOf(directory, service) {
  if (directory !== undefined) return opened(directory, `DIRECTORY: ${directory}`);
  if (service === undefined) return undefined;
  const path = defaultDirectory(service);
  return opened(path, `--service ${service}: ${path}`);
}

function opened(/** @type {string} */ path, /** @type {string} */ named) {
  const remedy = 'without arguments, the services that have a folder are listed';
  try {
    if (!statSync(path).isDirectory()) throw new Failure(2, `${named} is no directory; ${remedy}`);
    readdirSync(path);
    return new Folder(path);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (codeOf(error) === 'ENOENT') throw new Failure(2, `${named} does not exist; ${remedy}`);
    throw new Failure(1, `${named} can't be read: ${messageOf(error)}; only its owner may`);
  }
}

/** @returns {{ state: string, services: { name: string, folder: Folder }[] }} */
export function servicesFound() {
  const state = stateFolder();
  /** @type {string[]} */
  let names = [];
  try {
    names = readdirSync(state).sort();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT')
      throw new Failure(1, `${state} can't be read: ${messageOf(error)}`);
  }
  const isFolder = (/** @type {string} */ name) =>
    statSync(join(state, name), { throwIfNoEntry: false })?.isDirectory();
  const services = names
    .filter(isFolder)
    .map((name) => ({ name, folder: new Folder(join(state, name)) }));
  return { state, services };
}
