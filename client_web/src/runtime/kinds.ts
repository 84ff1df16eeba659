/**
 * What kind of failure an error is.
 *
 * Rule: the same in every engine. A size that the language allows and the engine has no room for is a matter of memory; a size that is none,
 * such as a negative one, is an error.
 */

import type { FailureKind } from "../protocol/engine";
import * as p from "./primordials";
import { ValueError } from "./values";

/** How engines say that there is no more memory, or that a string would be longer than any may be. */
const OUT_OF_MEMORY = /allocation failed|out of memory|could not allocate memory|allocation size overflow|invalid string length/iu;
/** How V8 says that a typed array is longer than any may be, or than the buffer it is to lie in. */
const TYPED_ARRAY = /invalid typed array length: (\d+)$/iu;
/** From so many elements on it is the former: V8 in a browser has none as long as that. */
const HUGE = 2 ** 32;
/** The language has no larger sizes. */
export const MAX_SIZE = 2 ** 53 - 1;

export function kindOf(error: unknown): FailureKind {
  return error instanceof ValueError ? "result" : isOutOfMemory(error) ? "memory" : "error";
}

function isOutOfMemory(error: unknown): boolean {
  try {
    if (!(error instanceof RangeError || (error as Error | null)?.name === "InternalError")) return false;
    const text = p.StringOf(error);
    return p.exec(OUT_OF_MEMORY, text) !== null || isHuge(p.exec(TYPED_ARRAY, text)?.[1]);
  } catch {
    return false;
  }
}

function isHuge(length: string | undefined): boolean {
  return length !== undefined && +length >= HUGE && +length <= MAX_SIZE;
}
