import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tellLargeBuffers } from "../src/runtime/buffers";
import { kindOf } from "../src/runtime/kinds";
import { ValueError } from "../src/runtime/values";

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("the kind of a failure", () => {
  it.each([
    ["a buffer", () => new ArrayBuffer(2 ** 45)],
    ["a typed array", () => new Uint8Array(2 ** 45)],
    ["a typed array with more bytes than there are sizes", () => new Float64Array(2 ** 52)],
    ["a string", () => "x".repeat(2 ** 30)],
  ])("is memory for %s that is too large", (_, act) => {
    expect(kindOf(thrown(act))).toBe("memory");
  });

  it.each([
    ["a buffer of negative length", () => new ArrayBuffer(-1)],
    ["a typed array of negative length", () => new Float64Array(-1)],
    ["a buffer of no size", () => new ArrayBuffer(2 ** 53)],
    ["a typed array of no size", () => new Uint8Array(2 ** 53)],
    ["an infinite typed array", () => new Uint8Array(Infinity)],
    ["a view past the end of its buffer", () => new Uint8Array(new ArrayBuffer(8), 0, 100)],
    ["an array that the language does not have", (): unknown => new Array(-1)],
    ["a stack overflow", function deep(): unknown { return [deep()]; }],
    ["an error in these words", () => { throw new Error("out of memory"); }],
    ["an error that cannot be shown", () => { throw Object.assign(new RangeError(), { toString: null }); }],
  ])("is error for %s", (_, act) => {
    expect(kindOf(thrown(act))).toBe("error");
  });

  // As Chromium says it, whose arrays may be less long than those of other programs with V8.
  it.each([
    [2 ** 40, "memory"], [2 ** 32, "memory"], [2 ** 53 - 1, "memory"], [2 ** 32 - 1, "error"], [2 ** 53, "error"], [1e300, "error"], [-(2 ** 40), "error"],
  ])("goes by the length of a typed array: %d is %s", (length, kind) => {
    expect(kindOf(new RangeError(`Invalid typed array length: ${length}`))).toBe(kind);
  });

  it("is result for what is no value", () => {
    expect(kindOf(new ValueError("result is undefined"))).toBe("result");
  });
});

describe("buffers that tell when they are too large", () => {
  const Native = ArrayBuffer;
  const told = (length: unknown): string => String(thrown(() => new ArrayBuffer(length as number)));

  beforeAll(() => {
    tellLargeBuffers();
  });

  afterAll(() => {
    Object.defineProperty(Native.prototype, "constructor", { value: Native });
    Object.defineProperty(globalThis, "ArrayBuffer", { value: Native });
  });

  it("say so in the same words whatever the limit", () => {
    expect(told(2 ** 45)).toBe("RangeError: Array buffer allocation failed");
    expect(told(2 ** 53 - 1)).toBe("RangeError: Array buffer allocation failed");
  });

  it.each([-1, -0.5e9, 2 ** 53, Infinity])("leave %d, which is no length, to the engine", (length) => {
    expect(told(length)).toBe("RangeError: Invalid array buffer length");
  });

  it("are buffers in every other way", () => {
    class Own extends ArrayBuffer {}
    const buffer = new ArrayBuffer(8);
    expect([buffer instanceof ArrayBuffer, buffer instanceof Native, new Uint8Array(4).buffer instanceof ArrayBuffer]).toEqual([true, true, true]);
    expect([buffer.constructor === ArrayBuffer, buffer.slice(2).byteLength, ArrayBuffer.isView(new Uint8Array(1)), ArrayBuffer.name]).toEqual([true, 6, true, "ArrayBuffer"]);
    expect([new Own(3).byteLength, new Own(3) instanceof Own, new Own(3) instanceof ArrayBuffer]).toEqual([3, true, true]);
    expect(() => (ArrayBuffer as unknown as (n: number) => unknown)(1)).toThrow(TypeError);
  });
});
