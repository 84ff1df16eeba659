/**
 * One slot: an engine and its watchdog.
 *
 * Rule: at most one run at a time. Whatever happens to the engine, every unit of the run is answered, or given back, or run again.
 */

import { Engine, type Realms } from "../engine/engine";
import type { FailureKind, FromEngine, RealmsMessage, RunMessage, StartedMessage, UnitReport as AnyReport } from "../protocol/engine";
import type { Run } from "../session/batches";
import { Watch, withoutUnits } from "./watch";

type UnitReport = Exclude<AnyReport, StartedMessage>;
type FromRun = Exclude<FromEngine, RealmsMessage>;

export interface SlotEvents {
  /** What the slot's units answered or noted; not `ready`, `loaded`, `started` and `finished`. */
  report(message: UnitReport): void;
  /** The slot may take a run. */
  free(): void;
  /** A unit may have left the frame's process full of memory, which only its end gives back. */
  worn(): void;
  /** Whether there is time to get a language ready that nothing asks for yet. */
  mayPrepare(): boolean;
}

export interface Code {
  language: string;
  bytes: Uint8Array;
}

export class Slot {
  private readonly engine: Engine;
  private readonly watch = new Watch();
  private readonly loaded = new Map<string, Code>();
  private again: RunMessage | null = null;
  private retryAt = 0;
  /** A run whose code is being fetched. */
  private isPreparing = false;
  /** The frame ended under its run: what is left of that run goes on only while nothing else is in the frame. */
  private isUnderSuspicion = false;

  constructor(
    realms: Realms,
    private readonly events: SlotEvents,
    keep_mb?: number,
  ) {
    this.engine = new Engine(
      realms,
      (message) => {
        // How much memory realms take is the browser's to look after.
        if (message.type !== "realms") this.hear(message);
      },
      (reason) => {
        console.warn("disio: a worker ended:", reason);
        this.lose("crash");
      },
      keep_mb,
      () => events.mayPrepare(),
    );
  }

  get isSuspect(): boolean {
    return this.isUnderSuspicion;
  }

  /** Whether it runs something, or is about to. */
  get isBusy(): boolean {
    return !this.watch.isIdle || this.isPreparing;
  }

  /** Whether it takes processor time. */
  get isComputing(): boolean {
    return !this.watch.isIdle || this.engine.isStarting;
  }

  isFree(now: number): boolean {
    return this.watch.isIdle && this.again === null && !this.isPreparing && now >= this.retryAt;
  }

  /** Hold the slot while the code of its next run is fetched. */
  prepare(): void {
    this.isPreparing = true;
  }

  /** The run that was prepared for cannot start for now. */
  abandon(retryAt: number): void {
    this.isPreparing = false;
    this.retryAt = retryAt;
  }

  begin(run: Run, code: Code, now: number): void {
    this.isPreparing = false;
    this.loaded.clear();
    this.loaded.set(run.workunit, code);
    const message = this.watch.begin(run, code.language, false, now);
    this.engine.handle({ type: "load", workunit: run.workunit, language: code.language, code: code.bytes });
    this.engine.handle(message);
  }

  /** End an overdue unit. */
  tick(now: number): void {
    if (this.watch.isOverdue(now)) this.lose("timeout");
  }

  /** Go on with what a lost engine left. */
  resume(now: number): void {
    if (this.again === null) return;
    const { again } = this;
    const code = this.loaded.get(again.workunit);
    this.again = null;
    if (code === undefined) return;
    this.engine.handle({ type: "load", workunit: again.workunit, language: code.language, code: code.bytes });
    this.engine.handle(this.watch.begin(again, code.language, again.single, now));
  }

  /** Cancelled: end the run of one of these tokens and say nothing about it. */
  drop(tokens: readonly string[]): void {
    const again = this.again;
    if (again !== null && tokens.includes(again.token)) this.settle(null);
    if (this.watch.token === null || !tokens.includes(this.watch.token)) return;
    this.watch.forget();
    this.engine.stop();
    this.isUnderSuspicion = false;
    this.events.free();
  }

  /** Cancelled units: end the engine only if it runs one of them now; the others of the run come next. */
  dropUnits(token: string, indexes: ReadonlySet<number>): void {
    if (this.again?.token === token) {
      this.settle(withoutUnits(this.again, indexes));
    }
    this.watch.cancel(token, indexes);
    this.cut();
  }

  /** End the engine under a cancelled unit. */
  private cut(): void {
    if (!this.watch.isDoomed) return;
    this.engine.stop();
    this.settle(this.watch.cut());
  }

  /** Compute no more, from this moment on. Returns what was not answered, with the states that it saved; nobody is blamed for it. */
  halt(): RunMessage | null {
    const left = this.again ?? this.watch.cut();
    if (left === null) this.engine.hush();
    else this.engine.stop();
    this.again = null;
    this.isUnderSuspicion = false;
    return left;
  }

  /** The frame is made anew for another slot's sake: what runs here runs again, and nobody is blamed. */
  interrupt(): void {
    this.engine.stop();
    if (!this.watch.isIdle) this.settle(this.watch.cut());
  }

  /** The frame ended by itself, under all its slots. */
  loseFrame(): void {
    if (this.watch.isIdle) return this.engine.stop();
    const wasAlone = this.isUnderSuspicion;
    this.isUnderSuspicion = true;
    this.lose("crash", wasAlone);
  }

  /** The engine is gone, or must go: nobody is blamed who did not run alone. */
  private lose(kind: FailureKind, isSure = true): void {
    this.engine.stop();
    const { blamed, again } = this.watch.lose(kind, isSure);
    if (blamed !== null) {
      const { token, indexes, error } = blamed;
      this.events.report({ type: "failed", token, indexes, errors: indexes.map(() => error), kinds: indexes.map(() => kind) });
    }
    if (kind !== "crash") this.events.worn();
    this.settle(again);
  }

  /** What is left of the run; null = nothing. */
  private settle(again: RunMessage | null): void {
    this.again = again;
    if (again !== null) return;
    this.isUnderSuspicion = false;
    this.events.free();
  }

  /** The slot is not needed any more: forget it all. Returns what was not answered. */
  stop(): void {
    this.engine.stop();
    this.watch.forget();
    this.again = null;
    this.isUnderSuspicion = false;
  }

  private hear(message: FromRun): void {
    const now = performance.now() / 1000;
    const isOver = this.watch.hear(message, now);
    if (isReport(message)) this.events.report(message);
    if (message.type === "failed" && message.kinds.includes("memory")) this.events.worn();
    if (!isOver) return this.cut();
    this.isUnderSuspicion = false;
    this.events.free();
  }
}

function isReport(message: FromRun): message is UnitReport {
  return message.type !== "ready" && message.type !== "loaded" && message.type !== "started" && message.type !== "finished";
}
