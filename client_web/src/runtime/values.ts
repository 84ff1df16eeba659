/**
 * Payloads, results and saved states in wire form: JSON text in UTF-8, or one zero byte and then raw bytes.
 *
 * Rule: a result that JSON cannot hold is refused with the place and the reason; nothing is dropped or changed silently.
 */

import * as p from "./primordials";

/** A value in wire form. */
export type WireValue = Uint8Array;

/** The largest value a unit may return or save, in bytes. */
export const MAX_VALUE_BYTES = 8 * 1024 * 1024;

const MAX_DEPTH = 200;
const RAW_MARK = 0;

/** The unit's result is no value: the fault of the unit, told to the submitter as `result`. */
export class ValueError extends Error {
  override name = "ValueError";
}

export function decodeValue(data: WireValue): unknown {
  if (data[0] === RAW_MARK) return p.sliceBytes(data, 1);
  return p.parse(p.decodeText(data));
}

/**
 * Return `value` in wire form.
 *
 * @param what how error texts name it, such as "result"
 * @param limit most bytes of it: of its JSON text, or of the raw bytes without their mark; 0 = the client's own limit
 * @throws ValueError it is not a JSON value or bytes, or larger than the limit or than MAX_VALUE_BYTES
 */
export function encodeValue(value: unknown, what: string, limit = 0): WireValue {
  const bytes = rawBytes(value, what, limit) ?? jsonBytes(value, what);
  checkSize(bytes, what, limit);
  return bytes;
}

/** @throws ValueError a value in wire form is larger than `limit` (see encodeValue) */
export function checkSize(value: WireValue, what: string, limit: number): void {
  const mark = value[0] === RAW_MARK ? 1 : 0;
  refuseOver(value.length - mark, what, limit, mark);
}

function refuseOver(bytes: number, what: string, limit: number, mark: number): void {
  const own = MAX_VALUE_BYTES - mark;
  const most = limit > 0 && limit < own ? limit : own;
  if (bytes > most) throw new ValueError(`${what} is ${bytes} bytes; the limit is ${most}`);
}

function rawBytes(value: unknown, what: string, limit: number): Uint8Array | null {
  let raw: Uint8Array;
  if (p.isBytes(value)) raw = value;
  else if (p.isBuffer(value)) raw = new p.Bytes(value);
  else return null;
  refuseOver(raw.length, what, limit, 1);
  const out = new p.Bytes(raw.length + 1);
  p.setBytes(out, raw, 1);
  return out;
}

function jsonBytes(value: unknown, what: string): Uint8Array {
  check(value, what, 0);
  const text = p.stringify(value) as string | undefined;
  if (text === undefined) throw new ValueError(`${what} has a toJSON() that returns nothing`);
  return p.encodeText(text);
}

function check(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case "number":
      // `value - value` is 0 for finite numbers and NaN for NaN and the infinities: no built-in is looked up.
      if (value - value !== 0) throw new ValueError(`${path} is ${p.StringOf(value)}, which JSON cannot hold`);
      return;
    case "string":
      return checkText(value, path);
    case "boolean":
      return;
    case "object":
      return value === null ? undefined : checkObject(value, path, depth);
    case "undefined":
      throw new ValueError(`${path} is undefined; return a JSON value (null for none), a Uint8Array or an ArrayBuffer`);
    case "bigint":
      throw new ValueError(`${path} is a BigInt, which JSON cannot hold; return String(x)`);
    default:
      throw new ValueError(`${path} is a ${typeof value}, which JSON cannot hold`);
  }
}

function checkText(text: string, path: string): void {
  if (!p.isWellFormed(text)) throw new ValueError(`${path} is a string with half a surrogate pair, which UTF-8 cannot hold`);
}

function checkObject(value: object, path: string, depth: number): void {
  if (depth >= MAX_DEPTH) throw new ValueError(`${p.slice(path, 0, 60)}... is cyclic or nested deeper than ${MAX_DEPTH} levels`);
  if (p.isArray(value)) {
    for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, depth + 1);
    return;
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return;
  refuseExotic(value, path);
  const keys = p.ownKeys(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    checkText(key, `a key of ${path}`);
    check((value as Record<string, unknown>)[key], `${path}.${key}`, depth + 1);
  }
}

function refuseExotic(value: object, path: string): void {
  if (value instanceof Map || value instanceof Set) {
    throw new ValueError(`${path} is a Map or Set, which JSON cannot hold; return Object.fromEntries(x) or [...x]`);
  }
  if (value instanceof Promise) throw new ValueError(`${path} is a Promise; await it first`);
  if (p.isView(value) || p.isBuffer(value)) {
    throw new ValueError(`${path} is binary; bytes can only be the whole result (Uint8Array, ArrayBuffer), or return Array.from(x)`);
  }
}
