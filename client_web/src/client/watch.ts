/**
 * The watchdog of one slot: what is under way, since when, and who is to blame when its engine ends.
 *
 * Rule: pure. A unit is blamed only when it ran alone (`single`); whatever a lost engine left unanswered is run again one by one first.
 */

import type { FailureKind, FromEngine, RunMessage } from "../protocol/engine";
import type { Run } from "../session/batches";

/** Seconds past a unit's limit before its engine is ended: timers are coarse, messages take their time. */
const GRACE_S = 1;
/** Seconds for loading code: a language may have to be started first. */
export const LOAD_S = 60;

export interface Loss {
  /** The unit that ended the engine, when that is known. */
  blamed: { token: string; index: number; kind: FailureKind } | null;
  /** What is left to do, one by one; null when nothing is. */
  again: RunMessage | null;
}

export class Watch {
  private run: RunMessage | null = null;
  private open = new Set<number>();
  private running: number | null = null;
  private cancelled = new Set<number>();
  private aliveAt = 0;
  /** Its units' time does not count before their code is loaded. */
  private isLoaded = false;

  get isIdle(): boolean {
    return this.run === null;
  }

  get token(): string | null {
    return this.run?.token ?? null;
  }

  begin(run: Run, isSingle: boolean, now: number): RunMessage {
    this.run = { ...run, type: "run", single: isSingle };
    this.open = new Set(run.indexes);
    this.cancelled = new Set();
    this.running = null;
    this.aliveAt = now;
    this.isLoaded = false;
    return this.run;
  }

  /** Take note of what the engine said; true when the run is over. */
  hear(message: FromEngine, now: number): boolean {
    if (this.run === null || message.type === "ready" || message.token !== this.run.token) return false;
    switch (message.type) {
      case "loaded":
        this.isLoaded = true;
        this.aliveAt = now;
        return false;
      case "started":
        this.running = message.index;
        this.isLoaded = true;
        this.aliveAt = now;
        return false;
      case "done":
      case "failed":
        for (const index of message.indexes) this.open.delete(index);
        this.isLoaded = true;
        this.aliveAt = now;
        return false;
      case "finished":
        this.run = null;
        return true;
      default:
        return false;
    }
  }

  isOverdue(now: number): boolean {
    return this.run !== null && now - this.aliveAt > (this.isLoaded ? this.run.unit_timeout_s + GRACE_S : LOAD_S);
  }

  /** Take note that units are not wanted any more. */
  cancel(token: string, indexes: ReadonlySet<number>): void {
    if (this.run?.token !== token) return;
    for (const index of indexes) if (this.open.has(index)) this.cancelled.add(index);
  }

  /** Whether a cancelled unit runs now: units run in order, so the first that is open does. */
  get isDoomed(): boolean {
    const first = this.first();
    return this.run !== null && first !== null && this.cancelled.has(first);
  }

  /** The engine was ended under a cancelled unit; returns what is left to do, with nobody to blame. */
  cut(): RunMessage | null {
    const { run } = this;
    this.run = null;
    return run && this.rest(run, run.single);
  }

  /** The engine is gone. */
  lose(kind: FailureKind): Loss {
    const { run } = this;
    this.run = null;
    if (run === null) return { blamed: null, again: null };
    const guilty = run.single || run.indexes.length === 1 ? (this.running ?? this.first()) : null;
    if (guilty !== null) this.open.delete(guilty);
    const blamed = guilty === null ? null : { token: run.token, index: guilty, kind };
    return { blamed, again: this.rest(run, true) };
  }

  /** Forget the run: it was cancelled. */
  forget(): void {
    this.run = null;
  }

  private first(): number | null {
    for (const index of this.open) return index;
    return null;
  }

  private rest(run: RunMessage, isSingle: boolean): RunMessage | null {
    const gone = run.indexes.filter((index) => !this.open.has(index) || this.cancelled.has(index));
    return withoutUnits({ ...run, single: isSingle }, new Set(gone));
  }
}

/** A run without some of its units; null when none is left. */
export function withoutUnits(run: RunMessage, indexes: ReadonlySet<number>): RunMessage | null {
  const kept = run.indexes.map((_, at) => at).filter((at) => !indexes.has(run.indexes[at] as number));
  if (kept.length === 0) return null;
  return { ...run, indexes: kept.map((at) => run.indexes[at] as number), payloads: kept.map((at) => run.payloads[at] as Uint8Array) };
}
