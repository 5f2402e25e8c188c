// OTLP logs as protobuf, read into plain objects with the names that OTLP's JSON has.

export class InvalidMessage extends Error {}

/**
 * How the fields of a message are read, by their numbers. What is not named is skipped.
 * @typedef {{ [number: number]: [name: string, read: (value: any) => unknown, many?: boolean] }} Fields
 */

const utf8 = new TextDecoder('utf-8', { fatal: true });
const text = (/** @type {Uint8Array} */ bytes) => utf8.decode(bytes);
const signed = (/** @type {bigint} */ value) => BigInt.asIntN(64, value);
const double = (/** @type {bigint} */ value) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value);
  return view.getFloat64(0);
};
const same = (/** @type {bigint} */ value) => value;
const message = (/** @type {Fields} */ fields) => (/** @type {Uint8Array} */ bytes) =>
  read(bytes, fields);

const anyValue = message({
  1: ['stringValue', text],
  2: ['boolValue', (value) => value !== 0n],
  3: ['intValue', signed],
  4: ['doubleValue', double],
});
const attribute = message({ 1: ['key', text], 2: ['value', anyValue] });
const resource = message({ 1: ['attributes', attribute, true] });
const scope = message({
  1: ['name', text],
  2: ['version', text],
  3: ['attributes', attribute, true],
});
const logRecord = message({
  1: ['timeUnixNano', same],
  5: ['body', anyValue],
  6: ['attributes', attribute, true],
  7: ['droppedAttributesCount', Number],
  11: ['observedTimeUnixNano', same],
  12: ['eventName', text],
});
const scopeLogs = message({ 1: ['scope', scope], 2: ['logRecords', logRecord, true] });
const resourceLogs = message({ 1: ['resource', resource], 2: ['scopeLogs', scopeLogs, true] });

/**
 * Reads an ExportLogsServiceRequest; numbers of 64 bits become bigints.
 * @returns {any[]} its `resourceLogs`
 */
export function readLogs(/** @type {Uint8Array} */ bytes) {
  const size = (/** @type {Uint8Array} */ part) => ({ ...resourceLogs(part), bytes: part.length });
  try {
    return read(bytes, { 1: ['resourceLogs', size, true] }).resourceLogs;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw new InvalidMessage();
    throw error;
  }
}

/** @returns {any} */
function read(/** @type {Uint8Array} */ bytes, /** @type {Fields} */ fields) {
  /** @type {any} */
  const found = {};
  for (const [name, , many] of Object.values(fields)) if (many) found[name] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length) {
    const tag = short();
    const value = payload(tag & 7);
    const [name, take, many] = fields[tag >>> 3] ?? [];
    if (!name || !take) continue;
    if (many) found[name].push(take(value));
    else found[name] = take(value);
  }
  return found;

  function payload(/** @type {number} */ type) {
    if (type === 0) return varint();
    const size = sizeOf(type);
    at += size;
    if (at > bytes.length) throw new RangeError('it ends too early');
    if (type === 1) return view.getBigUint64(at - 8, true);
    return type === 2 ? bytes.subarray(at - size, at) : BigInt(view.getUint32(at - 4, true));
  }

  function sizeOf(/** @type {number} */ type) {
    if (type === 2) return short();
    if (type === 1) return 8;
    if (type === 5) return 4;
    throw new RangeError('there is no such type');
  }

  /** A tag or a length: most have a byte or two. */
  function short() {
    const first = view.getUint8(at);
    if (first > 127) return Number(varint());
    at += 1;
    return first;
  }

  function varint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = view.getUint8(at);
      at += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number has more than ten bytes');
  }
}
