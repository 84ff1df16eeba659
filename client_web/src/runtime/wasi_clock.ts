/**
 * The clock of a WebAssembly unit.
 *
 * Rule: no call waits. To sleep moves the clock on by the time slept, so that a sleeping unit costs its client nothing; with the
 * fixed clock two clients that run the same unit also see the same times.
 */

import { wasi } from "@bjorn3/browser_wasi_shim";
import * as p from "./primordials";
import type { UnitMemory } from "./wasi_memory";

/** Nanoseconds. */
const MS = 1_000_000n;
const LAST = 2n ** 64n - 1n;

export class Clock {
  /** Fixed: the time. Real: what was slept, on top of the machine's time. */
  private ns = 0n;

  constructor(private readonly isFixed: boolean) {}

  begin(): void {
    this.ns = 0n;
  }

  /** The time of a clock, in ns. The fixed one is at 0 when a unit begins, and 1 ms later at each look. */
  look(id: number): bigint {
    const now = this.now(id);
    if (this.isFixed) this.ns = earlier(this.ns + MS, LAST);
    return now;
  }

  now(id: number): bigint {
    if (this.isFixed) return this.ns;
    const ms = id === wasi.CLOCKID_REALTIME ? p.today() : p.now();
    return earlier(p.BigIntOf(p.floor(ms * 1e6)) + this.ns, LAST);
  }

  sleep(ns: bigint): void {
    this.ns = earlier(this.ns + ns, LAST);
  }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function isClock(id: number): boolean {
  return id >= wasi.CLOCKID_REALTIME && id <= wasi.CLOCKID_THREAD_CPUTIME_ID;
}

// Layouts of WASI preview 1: a subscription is 48 bytes, an event 32.
const SUBSCRIPTION = 48;
const EVENT = 32;

/**
 * Write the events of `count` subscriptions; return an error number. Streams are always ready; when none is asked for, the clock is
 * moved on to the first deadline.
 */
export function poll(memory: UnitMemory, clock: Clock, subscriptions: number, events: number, count: number, countAt: number): number {
  memory.refresh();
  if (count === 0) return wasi.ERRNO_INVAL;
  if (!memory.holds(subscriptions, count * SUBSCRIPTION) || !memory.holds(events, count * EVENT) || !memory.holds(countAt, 4)) {
    return wasi.ERRNO_FAULT;
  }
  const { view } = memory;
  let wait = LAST;
  for (let i = 0; i < count; i++) wait = earlier(wait, waitOf(view, clock, subscriptions + i * SUBSCRIPTION));
  // Events may lie over the subscriptions, but never ahead of the one that is read.
  let happened = 0;
  for (let i = 0; i < count; i++) {
    const at = subscriptions + i * SUBSCRIPTION;
    if (waitOf(view, clock, at) > wait) continue;
    writeEvent(memory, events + happened * EVENT, p.u64(view, at, true), p.u8(view, at + 8), errorOf(view, at));
    happened += 1;
  }
  clock.sleep(wait);
  p.setU32(view, countAt, happened, true);
  return wasi.ERRNO_SUCCESS;
}

/** Nanoseconds until a subscription's event; 0 for those that have it now, in vain or not. */
function waitOf(view: DataView, clock: Clock, at: number): bigint {
  if (p.u8(view, at + 8) !== wasi.EVENTTYPE_CLOCK || errorOf(view, at) !== wasi.ERRNO_SUCCESS) return 0n;
  const timeout = p.u64(view, at + 24, true);
  if ((p.u16(view, at + 40, true) & wasi.SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME) === 0) return timeout;
  const now = clock.now(p.u32(view, at + 16, true));
  return timeout > now ? timeout - now : 0n;
}

function errorOf(view: DataView, at: number): number {
  const subject = p.u32(view, at + 16, true);
  switch (p.u8(view, at + 8)) {
    case wasi.EVENTTYPE_CLOCK:
      return isClock(subject) ? wasi.ERRNO_SUCCESS : wasi.ERRNO_INVAL;
    case wasi.EVENTTYPE_FD_READ:
    case wasi.EVENTTYPE_FD_WRITE:
      return subject <= wasi.FD_STDERR ? wasi.ERRNO_SUCCESS : wasi.ERRNO_BADF;
    default:
      return wasi.ERRNO_INVAL;
  }
}

function writeEvent(memory: UnitMemory, at: number, userdata: bigint, type: number, error: number): void {
  p.fillBytes(memory.bytes, 0, at, at + EVENT);
  p.setU64(memory.view, at, userdata, true);
  memory.bytes[at + 8] = error;
  memory.bytes[at + 10] = type;
  // One byte at least can be read or written.
  if (type !== wasi.EVENTTYPE_CLOCK && error === wasi.ERRNO_SUCCESS) memory.bytes[at + 16] = 1;
}
