// What every bundler is asked: a page whose first line logs, and that it leaves out what is not used.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { html, page } from './programs.mjs';

/** @typedef {import('./lab.mjs').Lab} Lab */

/**
 * An environment that bundles `src/main.js` (or `src/index.html`, which has it as a module) into `dist`,
 * and opens the result in Chromium.
 * @param {string} name
 * @param {(lab: Lab) => Promise<unknown>} build
 * @param {{ program?: string, quick?: boolean, remark?: string }} [more]
 * @returns {import('./environments.mjs').Environment}
 */
export function bundled(name, build, { program = page, quick, remark } = {}) {
  const run = async (/** @type {Lab} */ lab) => {
    const { project } = lab;
    const bundle = async (/** @type {string} */ text) => {
      rmSync(join(project, 'dist'), { recursive: true, force: true });
      mkdirSync(join(project, 'src'), { recursive: true });
      writeFileSync(join(project, 'src/index.html'), html);
      writeFileSync(join(project, 'src/main.js'), text);
      await build(lab);
      return copies(project, 'dist');
    };
    expect(await bundle(`import 'wasm-telemetry';`), 0, 'an import of nothing');
    expect(await bundle(`import { logEvent } from 'wasm-telemetry';`), 0, 'an unused name');
    expect(await bundle(program), 1, 'the program');
    const index = join(project, 'dist/index.html');
    if (!existsSync(index)) copyFileSync(join(project, 'src/index.html'), index);
    await lab.visit('/', 'dist');
    return remark;
  };
  return { name, quick, run };
}

/** How often the bytes of the WebAssembly are in the files of a folder, as text or as a file. */
export function copies(/** @type {string} */ project, /** @type {string} */ folder) {
  // Bundlers take the second one while developing.
  const texts = ['browser.js', 'development.js'].map((entry) => bytesOf(project, entry));
  return readdirSync(join(project, folder), { recursive: true })
    .map(String)
    .reduce((count, file) => {
      if (/\.wasm$/.test(file)) return count + 1;
      if (!/\.[cm]?js$/.test(file)) return count;
      const script = readFileSync(join(project, folder, file), 'utf8');
      return texts.reduce((sum, text) => sum + script.split(text).length - 1, count);
    }, 0);
}

function bytesOf(/** @type {string} */ project, /** @type {string} */ entry) {
  const file = join(project, 'node_modules/wasm-telemetry/dist', entry);
  const [text] = readFileSync(file, 'utf8').match(/"[\w+/=]{10000,}"/) ?? [];
  if (!text) throw new Error(`${file} holds no bytes of WebAssembly`);
  return text.slice(1, -1);
}

function expect(
  /** @type {number} */ found,
  /** @type {number} */ wanted,
  /** @type {string} */ what,
) {
  if (found === wanted) return;
  throw new Error(`the WebAssembly is ${found} times in the bundle of ${what}, not ${wanted}`);
}
