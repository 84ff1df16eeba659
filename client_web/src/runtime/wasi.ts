/**
 * What WebAssembly units see of the world: WASI preview 1 with three streams and nothing else, and the module `disio`.
 *
 * Rule: no host call throws into a unit, except to end it. What is wrong with an address, a length or a number comes back as WASI's
 * error number; there are no files, no directories, no sockets and no environment to be had.
 * Sources: WASI preview 1 (wasi_snapshot_preview1.witx); calls about files that do not exist are browser_wasi_shim's.
 */

import { WASI, wasi } from "@bjorn3/browser_wasi_shim";
import type { UnitApi } from "./language";
import * as p from "./primordials";
import { seededRandom } from "./random";
import { disioImports } from "./wasi_disio";
import { Clock, isClock, poll } from "./wasi_clock";
import { UnitMemory } from "./wasi_memory";
import { Errors, Input, Output, Sink } from "./wasi_streams";

/** What a unit finds as its own name: the same in every client. */
export const UNIT_NAME = "workunit.wasm";

/** How a unit ended itself: by an exit code, or by what a host call must not let pass. Thrown through the unit, which may catch it. */
export interface Ending {
  /** An exit code, or an error. */
  reason: unknown;
}

type HostCall = (...args: number[]) => unknown;

/** The world of one instance at a time, and of one payload at a time. */
export class World {
  readonly memory = new UnitMemory();
  readonly stdin = new Input();
  readonly stderr = new Errors();
  readonly imports: WebAssembly.Imports;
  /** What ended the unit, whether it noticed or not. */
  ending: Ending | null = null;
  unit: UnitApi | null = null;
  private readonly clock: Clock;
  private readonly wasi: WASI;
  private draw: () => number = () => 0;

  constructor(
    readonly stdout: Output,
    isClockFixed: boolean,
  ) {
    this.clock = new Clock(isClockFixed);
    this.wasi = new WASI([UNIT_NAME], [], [], { debug: false });
    this.imports = { wasi_snapshot_preview1: { ...this.guarded(), ...this.own() }, disio: disioImports(this) };
  }

  /**
   * Get ready for a payload, or for an instance before its first one.
   *
   * @param unit null: what draws random numbers then gets the same ones for every task and index
   */
  begin(input: Uint8Array, unit: UnitApi | null, log: (line: string) => void): void {
    this.unit = unit;
    this.ending = null;
    this.stdin.begin(input);
    this.stdout.begin();
    this.stderr.begin(log);
    this.clock.begin();
    this.draw = unit === null ? seededRandom(UNIT_NAME, 0) : () => unit.random();
  }

  /** Make an instance that starts with all its streams open. */
  instance(module: WebAssembly.Module): WebAssembly.Instance {
    this.memory.attach(null);
    this.wasi.fds = [this.stdin, this.stdout, this.stderr];
    const instance = new p.WasmInstance(module, this.imports);
    this.memory.attach(instance.exports);
    this.wasi.inst = instance as unknown as WASI["inst"];
    return instance;
  }

  /** End the unit: throws. */
  end(reason: unknown): never {
    this.ending ??= { reason };
    throw this.ending;
  }

  /** The shim's calls; those that a unit uses in earnest are replaced by `own`. */
  private guarded(): Record<string, HostCall> {
    const calls: Record<string, HostCall> = {};
    const names = p.ownKeys(this.wasi.wasiImport);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const call = this.wasi.wasiImport[name] as HostCall;
      calls[name] = (...args) => {
        // Addresses come signed; 64-bit numbers come as BigInts.
        for (let at = 0; at < args.length; at++) if (typeof args[at] === "number") args[at] = (args[at] as number) >>> 0;
        try {
          return call(...args) ?? wasi.ERRNO_SUCCESS;
        } catch (error) {
          return errnoOf(error);
        }
      };
    }
    return calls;
  }

  private own(): Record<string, HostCall> {
    const pipe = (fd: number): number => (this.wasi.fds[fd] === undefined ? wasi.ERRNO_BADF : wasi.ERRNO_SPIPE);
    return {
      fd_read: (fd, iovs, count, sizeAt) => this.read(fd, (iovs) >>> 0, (count) >>> 0, (sizeAt) >>> 0),
      fd_write: (fd, iovs, count, sizeAt) => this.write(fd, (iovs) >>> 0, (count) >>> 0, (sizeAt) >>> 0),
      fd_pread: (fd) => pipe(fd),
      fd_pwrite: (fd) => pipe(fd),
      fd_seek: (fd) => pipe(fd),
      fd_tell: (fd) => pipe(fd),
      fd_filestat_get: (fd, at) => this.filestat(fd, (at) >>> 0),
      clock_time_get: (id, _precision, at) => this.time(id, (at) >>> 0),
      clock_res_get: (id, at) => this.put64(isClock(id), (at) >>> 0, () => 1_000_000n),
      poll_oneoff: (subscriptions, events, count, countAt) =>
        poll(this.memory, this.clock, (subscriptions) >>> 0, (events) >>> 0, (count) >>> 0, (countAt) >>> 0),
      random_get: (at, length) => this.random((at) >>> 0, (length) >>> 0),
      proc_exit: (code) => this.end((code) >>> 0),
      proc_raise: () => wasi.ERRNO_NOTSUP,
      sched_yield: () => wasi.ERRNO_SUCCESS,
    };
  }

  private read(fd: number, iovs: number, count: number, sizeAt: number): number {
    const file = this.wasi.fds[fd];
    if (!(file instanceof Input)) return wasi.ERRNO_BADF;
    return this.transfer(iovs, count, sizeAt, (at, length) => file.read(this.memory.bytes, at, length));
  }

  private write(fd: number, iovs: number, count: number, sizeAt: number): number {
    const file = this.wasi.fds[fd];
    if (!(file instanceof Sink)) return wasi.ERRNO_BADF;
    return this.transfer(iovs, count, sizeAt, (at, length) => {
      this.writeTo(file, p.subarray(this.memory.bytes, at, at + length));
      return length;
    });
  }

  /** Go through the pieces of memory that a call names, until one of them is not moved as a whole; store how many bytes were. */
  private transfer(iovs: number, count: number, sizeAt: number, move: (at: number, length: number) => number): number {
    const { memory } = this;
    memory.refresh();
    if (!memory.holds(iovs, count * 8) || !memory.holds(sizeAt, 4)) return wasi.ERRNO_FAULT;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const at = p.u32(memory.view, iovs + 8 * i, true);
      const length = p.u32(memory.view, iovs + 8 * i + 4, true);
      if (!memory.holds(at, length)) return wasi.ERRNO_FAULT;
      const moved = move(at, length);
      total += moved;
      if (moved < length) break;
    }
    p.setU32(memory.view, sizeAt, total, true);
    return wasi.ERRNO_SUCCESS;
  }

  private writeTo(file: Sink, data: Uint8Array): void {
    try {
      file.write(data);
    } catch (error) {
      this.end(error);
    }
  }

  private filestat(fd: number, at: number): number {
    this.memory.refresh();
    if (this.wasi.fds[fd] === undefined) return wasi.ERRNO_BADF;
    if (!this.memory.holds(at, 64)) return wasi.ERRNO_FAULT;
    // Of a stream nothing is known: every field is 0, and so is the type.
    p.fillBytes(this.memory.bytes, 0, at, at + 64);
    return wasi.ERRNO_SUCCESS;
  }

  private time(id: number, at: number): number {
    return this.put64(isClock(id), at, () => this.clock.look(id));
  }

  private put64(isKnown: boolean, at: number, value: () => bigint): number {
    this.memory.refresh();
    if (!isKnown) return wasi.ERRNO_INVAL;
    if (!this.memory.holds(at, 8)) return wasi.ERRNO_FAULT;
    p.setU64(this.memory.view, at, value(), true);
    return wasi.ERRNO_SUCCESS;
  }

  /** Four bytes of a draw, lowest first; a call begins with a new draw. */
  private random(at: number, length: number): number {
    const { memory } = this;
    memory.refresh();
    if (!memory.holds(at, length)) return wasi.ERRNO_FAULT;
    let drawn = 0;
    for (let i = 0; i < length; i++) {
      drawn = i % 4 === 0 ? p.floor(this.draw() * 4_294_967_296) : drawn >>> 8;
      memory.bytes[at + i] = drawn;
    }
    return wasi.ERRNO_SUCCESS;
  }
}

/** What an exception in one of the shim's calls means: an address outside of the unit's memory, or something that it does not have. */
function errnoOf(error: unknown): number {
  if (isStackOverflow(error)) throw error;
  return error instanceof Error ? wasi.ERRNO_FAULT : wasi.ERRNO_NOTSUP;
}

export function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && p.exec(/call stack|too much recursion/u, error.message) !== null;
}
