/**
 * `ArrayBuffer` with words of its own for a buffer that is too large.
 *
 * Rule: nothing but the error's text changes. Chromium says "Invalid array buffer length" of a negative length and of one above its own
 * limit alike, so that what a unit asked for could not be told afterwards; Deno, without such a limit, says of the latter what is thrown here.
 */

import { MAX_SIZE } from "./kinds";

export function tellLargeBuffers(): void {
  const { construct } = Reflect;
  const OutOfRange = RangeError;
  const truncated = Math.trunc;
  const isTooLarge = (length: unknown): boolean => typeof length === "number" && truncated(length) > 0 && truncated(length) <= MAX_SIZE;
  const Telling = new Proxy(ArrayBuffer, {
    construct(native, args: unknown[], newTarget) {
      try {
        return construct(native, args, newTarget) as ArrayBuffer;
      } catch (error) {
        throw args.length === 1 && error instanceof OutOfRange && isTooLarge(args[0]) ? new OutOfRange("Array buffer allocation failed") : error;
      }
    },
  });
  Object.defineProperty(ArrayBuffer.prototype, "constructor", { value: Telling });
  Object.defineProperty(globalThis, "ArrayBuffer", { value: Telling });
}
