/**
 * The watchdog of one slot: what is under way, since when, and who is to blame when its engine ends.
 *
 * Rule: pure. A unit is blamed only when it ran alone (`single`); whatever a lost engine left unanswered is run again one by one first.
 * Alone, units run in order, and each answers before the next one starts: the first without an answer is to blame, even if it spoiled
 * its realm so thoroughly that the next one started.
 */

import type { CheckpointMessage, FailureKind, FromEngine, RealmsMessage, RunMessage } from "../protocol/engine";
import type { Run } from "../session/batches";

/** Seconds past a unit's limit before its engine is ended: timers are coarse, messages take their time. */
const GRACE_S = 1;
/** Seconds for loading code, by language: some have to be started first. */
const LOAD_S: Record<string, number> = { javascript: 10, wasm: 20, python: 60 };
const LONGEST_LOAD_S = 60;

export interface Loss {
  /** The unit that ended the engine, when that is known; every unit when their code did so while it was loaded. */
  blamed: { token: string; indexes: number[]; kind: FailureKind; error: string } | null;
  /** What is left to do, one by one; null when nothing is. */
  again: RunMessage | null;
}

export class Watch {
  private run: RunMessage | null = null;
  private open = new Set<number>();
  private cancelled = new Set<number>();
  private aliveAt = 0;
  private load_s = LONGEST_LOAD_S;
  /** Its units' time does not count before their code is loaded. */
  private isLoaded = false;

  get isIdle(): boolean {
    return this.run === null;
  }

  get token(): string | null {
    return this.run?.token ?? null;
  }

  begin(run: Run, language: string, isSingle: boolean, now: number): RunMessage {
    this.load_s = LOAD_S[language] ?? LONGEST_LOAD_S;
    this.run = { ...run, type: "run", single: isSingle };
    this.open = new Set(run.indexes);
    this.cancelled = new Set();
    this.aliveAt = now;
    this.isLoaded = false;
    return this.run;
  }

  /** Take note of what the engine said; true when the run is over. */
  hear(message: Exclude<FromEngine, RealmsMessage>, now: number): boolean {
    if (this.run === null || message.type === "ready" || message.token !== this.run.token) return false;
    switch (message.type) {
      case "loaded":
      case "started":
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
      case "checkpoint":
        this.keep(message);
        return false;
      default:
        return false;
    }
  }

  /** What runs again goes on from the newest state. */
  private keep({ index, state }: CheckpointMessage): void {
    if (this.run !== null && this.open.has(index)) this.run.states = { ...this.run.states, [index]: state };
  }

  isOverdue(now: number): boolean {
    return this.run !== null && now - this.aliveAt > (this.isLoaded ? this.run.unit_timeout_s + GRACE_S : this.load_s);
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

  /** The engine was ended, under a cancelled unit or for another slot's sake; returns what is left to do, with nobody to blame. */
  cut(): RunMessage | null {
    const { run } = this;
    this.run = null;
    return run && this.rest(run, run.single);
  }

  /**
   * The engine is gone.
   *
   * @param isSure whether nothing but this run can have ended it
   */
  lose(kind: FailureKind, isSure = true): Loss {
    const { run } = this;
    this.run = null;
    if (run === null) return { blamed: null, again: null };
    const indexes = this.guilty(run, kind, isSure);
    for (const index of indexes) this.open.delete(index);
    const blamed = indexes.length === 0 ? null : { token: run.token, indexes, kind, error: this.words(run, kind) };
    return { blamed, again: this.rest(run, true) };
  }

  /** Whose fault it was. An engine may also be ended from outside, so a crash on the first pass is nobody's. */
  private guilty(run: RunMessage, kind: FailureKind, isSure: boolean): number[] {
    if (kind === "crash" && !(isSure && run.single)) return [];
    if (!this.isLoaded) return [...this.open];
    const first = this.first();
    return first !== null && (run.single || run.indexes.length === 1) ? [first] : [];
  }

  /** What to tell the submitter. */
  private words(run: RunMessage, kind: FailureKind): string {
    if (this.isLoaded) return kind === "timeout" ? `no answer within the unit's limit of ${run.unit_timeout_s} s` : "the unit ended its worker";
    const why = kind === "timeout" ? `its code was not ready within ${this.load_s} s` : "its code ended the worker";
    return `the work unit does not load: ${why}`;
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
