/**
 * How WebAssembly units end, in words for their submitter.
 *
 * Rule: the text says first what happened (an exit code, a trap) and then what the unit wrote to standard error.
 */

import * as p from "./primordials";
import { ValueError } from "./values";
import { isStackOverflow, type World } from "./wasi";

/** Its text is shown as it is, without a name before it and without a stack of the runtime's. */
class UnitFailed extends Error {
  override name = "";
  override stack = "";
}

/** A RangeError that says "out of memory" is what the runner takes for the failure kind `memory`. */
class MemoryUsedUp extends RangeError {
  override name = "";
  override stack = "";
}

/** How full a unit's memory is when it traps for want of more: allocators ask for large pieces. */
const FULL = 3 / 4;
const MB = 1024 * 1024;

/** Run a part of a unit; throws what its submitter is to read when it fails. */
export function attempt(world: World, memory_mb: number, run: () => void): void {
  let thrown: { error: unknown } | null = null;
  try {
    run();
  } catch (error) {
    thrown = { error };
  }
  world.stderr.end();
  // A unit may have caught what should have ended it.
  if (world.ending !== null) thrown = world.ending.reason === 0 ? null : { error: world.ending.reason };
  if (thrown !== null) throw failure(world, memory_mb, thrown.error);
}

function failure(world: World, memory_mb: number, error: unknown): unknown {
  if (typeof error === "number") return failed(world, `exit code ${error}`);
  if (!(error instanceof Error)) return failed(world, "it threw an exception that nobody caught");
  if (isStackOverflow(error)) return failed(world, `stack overflow: ${error.message}`);
  // A result that is none, or no memory left in the engine: the runner knows these kinds.
  if (error instanceof ValueError || error instanceof RangeError) return error;
  if (!(error instanceof p.WasmTrap)) return failed(world, error.message);
  const trap = `trap: ${error.message}`;
  world.memory.refresh();
  const used = world.memory.bytes.length / MB;
  if (used < memory_mb * FULL) return failed(world, trap);
  return new MemoryUsedUp(withStderr(world, `likely out of memory, with ${p.floor(used * 10) / 10} of ${memory_mb} MiB in use: ${trap}`));
}

function failed(world: World, what: string): UnitFailed {
  return new UnitFailed(withStderr(world, what));
}

function withStderr(world: World, what: string): string {
  const { tail } = world.stderr;
  return tail === "" ? what : `${what}\n${tail}`;
}
