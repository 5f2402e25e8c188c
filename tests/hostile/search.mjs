// Looks for a text among bytes, however it may be spelled there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns {string} where it is, with some of what is around it; empty if it is nowhere */
export function find(/** @type {Uint8Array | string} */ hay, /** @type {string} */ text) {
  const bytes = Buffer.from(/** @type {any} */ (hay));
  const plain = Buffer.from(text);
  const spellings = [
    plain,
    Buffer.from(text, 'utf16le'),
    plain.toString('hex'),
    // As a list of numbers, as JSON writes a typed array, and as a number.
    [...plain].join(),
    [...plain].map((byte, index) => `"${index}":${byte}`).join(),
    String(BigInt(`0x${plain.toString('hex')}`)),
    // Base64 whose first byte is one of three.
    ...[0, 1, 2].map((skipped) => {
      const whole = plain.subarray(skipped, skipped + Math.trunc((plain.length - skipped) / 3) * 3);
      return whole.toString('base64');
    }),
  ];
  const found = spellings.map((each) => bytes.indexOf(each)).find((index) => index >= 0);
  return found === undefined ? '' : String(bytes.subarray(Math.max(0, found - 200), found + 200));
}

/** @returns {string[]} the files of a folder that hold the text, in their name or within */
export function filesHolding(/** @type {string} */ directory, /** @type {string} */ text) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, path, name }) => join(parentPath ?? path, name))
    .filter((file) => find(file, text) !== '' || find(readFileSync(file), text) !== '');
}
