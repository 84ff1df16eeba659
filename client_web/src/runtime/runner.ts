/**
 * Runs the units of one realm, one at a time, and reports what became of them.
 *
 * Rule: every index of a run gets exactly one answer. Answers of quick units share a message; an answer waits for company at most
 * GATHER_MS, and never behind a unit that follows a slow one.
 */

import type { DoneMessage, FailedMessage, FailureKind, FromRealm, RunMessage, StartRealm } from "../protocol/engine";
import type { Terms } from "../protocol/messages";
import type { Language, Unit } from "./language";
import * as p from "./primordials";
import { describe } from "./places";
import { RunningUnit } from "./unit";
import { ValueError, type WireValue } from "./values";

/** Milliseconds an answer may wait for others. */
const GATHER_MS = 20;
/** A unit of at least this many milliseconds is worth a message of its own. */
const SLOW_MS = 1;

export class Runner {
  private unit: Promise<Unit | null> | null = null;
  private current: { unit: RunningUnit; token: string; fail(error: unknown): void } | null = null;
  private answers: (DoneMessage | FailedMessage)[] = [];
  private flushedAt = 0;
  /** Runs wait for each other here. */
  private tail: Promise<void> = Promise.resolve();

  constructor(
    private readonly terms: Terms,
    private readonly post: (message: FromRealm) => void,
  ) {}

  load(language: Language | undefined, realm: StartRealm): void {
    this.unit = this.loadUnit(language, realm);
  }

  run(message: RunMessage): void {
    this.tail = p.promiseThen<void>(this.tail, () => this.runAll(message));
  }

  /** The unit that runs now, for what it writes to the console. */
  log(parts: unknown[]): void {
    this.current?.unit.log(...parts);
  }

  /** An error that nobody caught belongs to the unit that runs now: it would otherwise wait for ever. */
  failCurrent(error: unknown): void {
    this.current?.fail(error);
  }

  private async loadUnit(language: Language | undefined, realm: StartRealm): Promise<Unit | null> {
    try {
      if (language === undefined) throw new Error(`this client cannot run ${realm.language}`);
      const log = (text: string): void => {
        this.log([text]);
      };
      const unit = await language.load(realm, log);
      this.post({ type: "loaded" });
      return unit;
    } catch (error) {
      this.post({ type: "broken", error: `the work unit does not load: ${describe(error)}`, kind: kindOf(error) });
      return null;
    }
  }

  private async runAll(message: RunMessage): Promise<void> {
    const unit = await this.unit;
    if (unit === null) return;
    const { indexes, payloads } = message;
    this.flushedAt = p.now();
    for (let i = 0; i < indexes.length; i++) {
      if (message.single) this.post({ type: "started", token: message.token, index: indexes[i] as number });
      const pending = this.runOne(unit, message, indexes[i] as number, payloads[i] as WireValue);
      if (pending !== null) await pending;
      if (message.single) this.flush();
    }
    this.flush();
  }

  /** Run one unit; the promise is null when it answered at once, so that quick units cost no turn of the event loop. */
  private runOne(unit: Unit, message: RunMessage, index: number, payload: WireValue): Promise<void> | null {
    const started = p.now();
    const { token } = message;
    let api: RunningUnit;
    const succeed = (value: WireValue): void => {
      if (this.close(api)) this.answerDone(token, index, value, p.now() - started);
    };
    const fail = (error: unknown): void => {
      if (this.close(api)) this.answerFailed(token, index, error, p.now() - started);
    };
    try {
      api = new RunningUnit(message.task, token, index, message.states[index], this.terms, this.post);
      this.current = { unit: api, token, fail };
      const result = unit.run(payload, api);
      if (result instanceof p.Bytes) {
        succeed(result);
        return null;
      }
      // It may take long: what was answered before goes out now.
      this.flush();
      return this.untilAnswered(result, succeed, fail);
    } catch (error) {
      fail(error);
      return null;
    }
  }

  private untilAnswered(result: Promise<WireValue>, succeed: (value: WireValue) => void, fail: (error: unknown) => void): Promise<void> {
    return new Promise<void>((resolve) => {
      const failNow = (error: unknown): void => {
        fail(error);
        resolve();
      };
      if (this.current !== null) this.current.fail = failNow;
      const succeedNow = (value: WireValue): void => {
        succeed(value);
        resolve();
      };
      void p.promiseThen(result, succeedNow as (value: unknown) => void, failNow);
    });
  }

  /** End a unit's say; false when it was answered before. */
  private close(api: RunningUnit | undefined): boolean {
    if (api === undefined) return true;
    if (this.current?.unit !== api) return false;
    api.end();
    this.current = null;
    return true;
  }

  private answerDone(token: string, index: number, value: WireValue, ms: number): void {
    const last = this.answers[this.answers.length - 1];
    const done: DoneMessage =
      last?.type === "done" && last.token === token ? last : this.begin({ type: "done", token, indexes: [], values: [], seconds: [] });
    done.indexes[done.indexes.length] = index;
    done.values[done.values.length] = value;
    done.seconds[done.seconds.length] = ms / 1000;
    this.gather(ms);
  }

  private answerFailed(token: string, index: number, error: unknown, ms: number): void {
    this.begin({ type: "failed", token, indexes: [index], errors: [describe(error)], kinds: [kindOf(error)] });
    this.gather(ms);
  }

  private begin<M extends DoneMessage | FailedMessage>(message: M): M {
    this.answers[this.answers.length] = message;
    return message;
  }

  private gather(ms: number): void {
    if (ms >= SLOW_MS || p.now() - this.flushedAt >= GATHER_MS) this.flush();
  }

  private flush(): void {
    const answers = this.answers;
    this.answers = [];
    for (let i = 0; i < answers.length; i++) this.post(answers[i] as DoneMessage | FailedMessage);
    this.flushedAt = p.now();
  }
}

function kindOf(error: unknown): FailureKind {
  return error instanceof ValueError ? "result" : isOutOfMemory(error) ? "memory" : "error";
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof RangeError && /allocation failed|out of memory/iu.test(p.StringOf(error));
}
