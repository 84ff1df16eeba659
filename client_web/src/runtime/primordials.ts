/**
 * The built-ins that the runtime itself uses, captured before any unit code runs.
 *
 * Rule: runtime code that runs after a unit was loaded reaches built-ins through this module only, so that a unit
 * that replaces `JSON.stringify` or `performance.now` changes its own results at most, never the runtime's answers.
 */

type Uncurried<This, Args extends unknown[], Out> = (self: This, ...args: Args) => Out;

// `Function.prototype.call` bound to a method gives a function of (self, ...args) that looks nothing up later.
const call = Function.prototype.call;
export function uncurry<This, Args extends unknown[], Out>(
  method: (this: This, ...args: Args) => Out,
): Uncurried<This, Args, Out> {
  return call.bind(method) as Uncurried<This, Args, Out>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const stringify = JSON.stringify;
export const parse = JSON.parse;
export const isArray = Array.isArray;
export const isView = ArrayBuffer.isView;
export const ownKeys = Object.keys;
export const hasOwn = Object.hasOwn;
export const getPrototypeOf = Object.getPrototypeOf;
export const defineProperty = Object.defineProperty;
export const StringOf = String;
export const Bytes = Uint8Array;
const Buffers = ArrayBuffer;
type Getter<T> = (this: unknown) => T;
const tag = uncurry(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get as Getter<unknown>);
/** Not `instanceof`: a unit may have told classes to say yes to everything, and a promise is no bytes. */
export const isBytes = (value: unknown): value is Uint8Array => tag(value) === "Uint8Array";
const sizeOf = uncurry(Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get as Getter<number>);
export function isBuffer(value: unknown): value is ArrayBuffer {
  if (!(value instanceof Buffers)) return false;
  try {
    return sizeOf(value) >= 0;
  } catch {
    return false;
  }
}
const encodeInto = encoder.encodeInto.bind(encoder);
export const encodeText = encoder.encode.bind(encoder);
export const decodeText = decoder.decode.bind(decoder);
export const now = performance.now.bind(performance);
export const today = Date.now;
export const later = setTimeout.bind(globalThis);
export const slice = uncurry(String.prototype.slice);
export const split = uncurry(String.prototype.split as (this: string, by: string) => string[]);
export const replace = uncurry(String.prototype.replace as (this: string, pattern: RegExp, by: string) => string);
export const exec = uncurry(RegExp.prototype.exec);
export const subarray = uncurry(Uint8Array.prototype.subarray);
export const sliceBytes = uncurry(Uint8Array.prototype.slice);
export const setBytes = uncurry(Uint8Array.prototype.set);
export const isWellFormed = uncurry(String.prototype.isWellFormed);
export const apply = Reflect.apply;
/** Characters of `text` that fit `into` as UTF-8. */
export const fitting = (text: string, into: Uint8Array): number => encodeInto(text, into).read;
/**
 * Appends without looking at prototypes: a unit may have put a setter for an index, or a property of descriptors, on one.
 */
export function append<T>(list: T[], item: T): void {
  defineProperty(list, list.length, { __proto__: null, value: item, writable: true, enumerable: true, configurable: true } as PropertyDescriptor);
}
// Deno's events own their data, browsers' get it from the prototype, where a unit would see it and the port that it came through.
const dataGetter = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data")?.get;
export const dataOf: (event: MessageEvent) => unknown = dataGetter === undefined ? (event) => event.data as unknown : uncurry(dataGetter);
// Not named `then`: a module with that export looks like a promise to import().
export const promiseThen = uncurry(Promise.prototype.then);

// For WebAssembly units.
export const View = DataView;
export const u8 = uncurry(DataView.prototype.getUint8);
export const u16 = uncurry(DataView.prototype.getUint16);
export const u32 = uncurry(DataView.prototype.getUint32);
export const u64 = uncurry(DataView.prototype.getBigUint64);
export const setU32 = uncurry(DataView.prototype.setUint32);
export const setU64 = uncurry(DataView.prototype.setBigUint64);
export const fillBytes = uncurry(Uint8Array.prototype.fill);
export const Decoder = TextDecoder;
export const decodeWith = uncurry(TextDecoder.prototype.decode);
export const trimEnd = uncurry(String.prototype.trimEnd);
export const indexOf = uncurry(String.prototype.indexOf);
export const BigIntOf = BigInt;
export const min = Math.min;
export const max = Math.max;
export const floor = Math.floor;
export const WasmModule = WebAssembly.Module;
export const WasmInstance = WebAssembly.Instance;
export const WasmMemory = WebAssembly.Memory;
export const WasmTrap = WebAssembly.RuntimeError;
export const importsOf = WebAssembly.Module.imports;
export const exportsOf = WebAssembly.Module.exports;
export const bufferOf = uncurry(Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, "buffer")?.get as (this: WebAssembly.Memory) => ArrayBuffer);
