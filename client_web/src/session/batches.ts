/**
 * The units a client holds: per batch those not yet started, and those that are open (started or not, and not answered).
 *
 * Rule: an index leaves `open` exactly once, and only an open index can be answered, put back or released.
 */

import type { RunMessage } from "../protocol/engine";
import type { Assign } from "../protocol/messages";

/** Seconds that one run should take, so that pauses and cancels act soon and messages are shared. */
const RUN_S = 0.2;
const MAX_RUN_UNITS = 256;
const MAX_RUN_BYTES = 4 * 1024 * 1024;
/** Weight of a new measurement in the running mean of a work unit's seconds. */
const NEWEST = 0.3;
const MAX_SPEEDS = 64;

interface Batch {
  assign: Assign;
  /** Positions in `assign.indexes` that were not started, the next one last. */
  waiting: number[];
  open: Set<number>;
  fractions: Map<number, number>;
}

export type Run = Omit<RunMessage, "type" | "single">;

export class Batches {
  private readonly held = new Map<string, Batch>();
  /** Work unit to mean seconds of its units. */
  private readonly speeds = new Map<string, number>();

  get tokens(): string[] {
    return [...this.held.keys()];
  }

  /** Units assigned and not started. */
  get queued(): number {
    let count = 0;
    for (const batch of this.held.values()) count += batch.waiting.length;
    return count;
  }

  add(assign: Assign): void {
    const fresh = assign.indexes.length === assign.payloads.length ? assign.indexes : [];
    if (fresh.length === 0) return;
    this.held.set(assign.token, {
      assign,
      waiting: fresh.map((_, at) => at).reverse(),
      open: new Set(fresh),
      fractions: new Map(),
    });
  }

  assignOf(token: string): Assign | undefined {
    return this.held.get(token)?.assign;
  }

  /** Start units of the oldest batch that has some: as many as fit one run, and no more than a fair part of what is left. */
  take(slots: number): Run | null {
    for (const batch of this.held.values()) {
      if (batch.waiting.length > 0) return this.runOf(batch, slots);
    }
    return null;
  }

  private runOf(batch: Batch, slots: number): Run {
    const { assign } = batch;
    const mean = this.speeds.get(assign.workunit);
    const fitting = mean === undefined ? 1 : Math.floor(RUN_S / Math.max(mean, 1e-6));
    const fair = Math.ceil(batch.waiting.length / Math.max(1, slots));
    const limit = Math.max(1, Math.min(fitting, fair, MAX_RUN_UNITS));
    const { token, task, workunit, unit_timeout_s, memory_mb, terms } = assign;
    const run: Run = { token, task, workunit, indexes: [], payloads: [], states: {}, unit_timeout_s, memory_mb, terms };
    for (let bytes = 0; run.indexes.length < limit && bytes < MAX_RUN_BYTES; ) {
      const at = batch.waiting.pop();
      if (at === undefined) break;
      const index = assign.indexes[at] as number;
      const payload = assign.payloads[at] as Uint8Array;
      const state = assign.states[index];
      if (state !== undefined) run.states[index] = state;
      run.indexes.push(index);
      run.payloads.push(payload);
      bytes += payload.length;
    }
    return run;
  }

  /** Units that did not start after all: they go first next time. */
  putBack(token: string, indexes: readonly number[]): void {
    const batch = this.held.get(token);
    if (batch === undefined) return;
    const at = new Map(batch.assign.indexes.map((index, position) => [index, position]));
    for (const index of [...indexes].reverse()) {
      const position = at.get(index);
      if (position !== undefined && batch.open.has(index)) batch.waiting.push(position);
    }
  }

  /** What a later try of a unit goes on from. */
  keepState(token: string, index: number, state: Uint8Array): void {
    const batch = this.held.get(token);
    if (batch?.open.has(index)) batch.assign.states[index] = state;
  }

  /** Close an index; false when it was not open. The batch is forgotten with its last index. */
  close(token: string, index: number): boolean {
    const batch = this.held.get(token);
    if (batch === undefined || !batch.open.delete(index)) return false;
    batch.fractions.delete(index);
    if (batch.open.size === 0) this.held.delete(token);
    return true;
  }

  /** Forget units: nobody wants them any more. */
  closeUnits(token: string, indexes: ReadonlySet<number>): void {
    const batch = this.held.get(token);
    if (batch === undefined) return;
    batch.waiting = batch.waiting.filter((at) => !indexes.has(batch.assign.indexes[at] as number));
    for (const index of indexes) this.close(token, index);
  }

  /** What is still open of a run that has not begun, or null. */
  openPart(run: Run): Run | null {
    const kept = run.indexes.map((_, at) => at).filter((at) => this.isOpen(run.token, run.indexes[at] as number));
    if (kept.length === run.indexes.length) return run;
    if (kept.length === 0) return null;
    return { ...run, indexes: kept.map((at) => run.indexes[at] as number), payloads: kept.map((at) => run.payloads[at] as Uint8Array) };
  }

  isOpen(token: string, index: number): boolean {
    return this.held.get(token)?.open.has(index) ?? false;
  }

  measured(workunit: string, seconds: number): void {
    const before = this.speeds.get(workunit);
    this.speeds.set(workunit, before === undefined ? seconds : before + NEWEST * (seconds - before));
    for (const oldest of this.speeds.keys()) {
      if (this.speeds.size <= MAX_SPEEDS) break;
      this.speeds.delete(oldest);
    }
  }

  progress(token: string, index: number, fraction: number): void {
    const batch = this.held.get(token);
    if (batch?.open.has(index)) batch.fractions.set(index, fraction);
  }

  fractionsOf(token: string): ReadonlyMap<number, number> {
    return this.held.get(token)?.fractions ?? new Map<number, number>();
  }

  /** Forget a batch; what is left of it is answered by nobody. */
  drop(token: string): void {
    this.held.delete(token);
  }

  /** Take out everything that did not start; the same shape as a Release. */
  takeWaiting(): { tokens: string[]; indexes: number[][] } {
    const out = { tokens: [] as string[], indexes: [] as number[][] };
    for (const [token, batch] of [...this.held]) {
      const indexes = batch.waiting.map((at) => batch.assign.indexes[at] as number);
      if (indexes.length === 0) continue;
      batch.waiting = [];
      out.tokens.push(token);
      out.indexes.push(indexes);
      for (const index of indexes) this.close(token, index);
    }
    return out;
  }
}
