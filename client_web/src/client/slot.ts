/**
 * One slot: an engine, its watchdog, and the rest it takes between runs.
 *
 * Rule: at most one run at a time. Whatever happens to the engine, every unit of the run is answered, or given back, or run again.
 */

import { Engine, type Realms } from "../engine/engine";
import type { FailureKind, FromEngine, RunMessage, StartedMessage, UnitReport as AnyReport } from "../protocol/engine";
import type { Run } from "../session/batches";
import { rest } from "./throttle";
import { Watch, withoutUnits } from "./watch";

type UnitReport = Exclude<AnyReport, StartedMessage>;

export interface SlotEvents {
  /** What the slot's units answered or noted; not `ready`, `loaded`, `started` and `finished`. */
  report(message: UnitReport): void;
  /** The slot may take a run. */
  free(): void;
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
  private beganAt = 0;
  private restUntil = 0;
  /** A run whose code is being fetched. */
  private isPreparing = false;

  constructor(
    realms: Realms,
    private readonly events: SlotEvents,
    private duty: number,
  ) {
    this.engine = new Engine(
      realms,
      (message) => {
        this.hear(message);
      },
      (reason) => {
        console.warn("disio: a worker ended:", reason);
        this.lose("crash");
      },
    );
  }

  setDuty(duty: number): void {
    this.duty = duty;
  }

  isFree(now: number): boolean {
    return this.watch.isIdle && this.again === null && !this.isPreparing && now >= this.restUntil;
  }

  /** Hold the slot while the code of its next run is fetched. */
  prepare(): void {
    this.isPreparing = true;
  }

  /** The run that was prepared for cannot start for now. */
  abandon(retryAt: number): void {
    this.isPreparing = false;
    this.restUntil = retryAt;
  }

  begin(run: Run, code: Code, now: number): void {
    this.isPreparing = false;
    this.beganAt = now;
    this.loaded.clear();
    this.loaded.set(run.workunit, code);
    const message = this.watch.begin(run, false, now);
    this.engine.handle({ type: "load", workunit: run.workunit, language: code.language, code: code.bytes });
    this.engine.handle(message);
  }

  /** End an overdue unit, and go on with what a lost engine left. */
  tick(now: number): void {
    if (this.watch.isOverdue(now)) this.lose("timeout");
    if (this.again === null) return;
    const { again } = this;
    const code = this.loaded.get(again.workunit);
    this.again = null;
    if (code === undefined) return;
    this.engine.handle({ type: "load", workunit: again.workunit, language: code.language, code: code.bytes });
    this.engine.handle(this.watch.begin(again, true, now));
  }

  /** Cancelled: end the run of one of these tokens and say nothing about it. */
  drop(tokens: readonly string[]): void {
    const again = this.again;
    if (again !== null && tokens.includes(again.token)) this.again = null;
    if (this.watch.token === null || !tokens.includes(this.watch.token)) return;
    this.watch.forget();
    this.engine.stop();
    this.events.free();
  }

  /** Cancelled units: end the engine only if it runs one of them now; the others of the run come next. */
  dropUnits(token: string, indexes: ReadonlySet<number>): void {
    if (this.again?.token === token) {
      this.again = withoutUnits(this.again, indexes);
      if (this.again === null) this.events.free();
    }
    this.watch.cancel(token, indexes);
    this.cut();
  }

  /** End the engine under a cancelled unit. */
  private cut(): void {
    if (!this.watch.isDoomed) return;
    this.engine.stop();
    this.again = this.watch.cut();
    if (this.again === null) this.events.free();
  }

  /** The engine is gone, or must go: nobody is blamed who did not run alone. */
  lose(kind: FailureKind): void {
    this.engine.stop();
    const { blamed, again } = this.watch.lose(kind);
    this.again = again;
    if (blamed !== null) {
      const { token, index } = blamed;
      this.events.report({ type: "failed", token, indexes: [index], errors: [BLAME[kind] ?? kind], kinds: [kind] });
    }
    if (again === null) this.events.free();
  }

  /** The slot is not needed any more: forget it all. Returns what was not answered. */
  stop(): void {
    this.engine.stop();
    this.watch.forget();
    this.again = null;
  }

  private hear(message: FromEngine): void {
    const now = performance.now() / 1000;
    const isOver = this.watch.hear(message, now);
    if (isReport(message)) this.events.report(message);
    if (!isOver) return this.cut();
    this.restUntil = now + rest(now - this.beganAt, this.duty);
    this.events.free();
  }
}

function isReport(message: FromEngine): message is UnitReport {
  return message.type !== "ready" && message.type !== "loaded" && message.type !== "started" && message.type !== "finished";
}

const BLAME: Partial<Record<FailureKind, string>> = {
  timeout: "the unit ran longer than its time limit and was ended",
  crash: "the unit ended its worker",
  memory: "the unit used more memory than it may",
};
