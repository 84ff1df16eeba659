/**
 * Runs the units of one realm, one at a time, and reports what became of them.
 *
 * Rule: every index of a run gets exactly one answer. Answers of quick units share a message; an answer waits for company at most
 * GATHER_MS, and never behind a unit that follows a slow one.
 */

import type { DoneMessage, FailedMessage, FromRealm, RunMessage, StartRealm, UnitCode } from "../protocol/engine";
import { DEFAULT_TERMS } from "../protocol/messages";
import { kindOf } from "./kinds";
import type { Language, Unit } from "./language";
import * as p from "./primordials";
import { describe } from "./places";
import { RunningUnit } from "./unit";
import { Turns } from "./turns";
import { checkSize, type WireValue } from "./values";

/** Milliseconds an answer may wait for others. */
const GATHER_MS = 20;
/** A unit of at least this many milliseconds is worth a message of its own: taking one costs the page some 0.1 ms, in which nothing is computed. */
const SLOW_MS = 10;

/** What became of a unit that did not answer at once. */
type Ending = "answered" | "again";

interface Current {
  unit: RunningUnit;
  fail(error: unknown): void;
  /** Give this try up; the unit runs again. Null while it cannot be doubted. */
  doubt: (() => void) | null;
}

export class Runner {
  private unit: Promise<Unit | null> | null = null;
  private current: Current | null = null;
  private readonly turns = new Turns();
  /** A promise was rejected without anybody to ask whose it was: from now on each unit starts in a turn of its own. */
  private isCareful = false;
  /** Units that may have left rejections which were not told of yet. */
  private before = 0;
  private answers: (DoneMessage | FailedMessage)[] = [];
  private flushedAt = 0;
  /** Runs wait for each other here. */
  private tail: Promise<void> = Promise.resolve();
  private terms = DEFAULT_TERMS;

  constructor(private readonly post: (message: FromRealm) => void) {}

  load(language: Language | undefined, realm: StartRealm, unit: UnitCode): void {
    this.terms = unit.terms;
    this.unit = this.loadUnit(language, realm, unit);
  }

  run(message: RunMessage): void {
    this.tail = this.runAfter(this.tail, message);
  }

  /** Tell when every run so far is answered. */
  rest(): void {
    this.tail = this.restAfter(this.tail);
  }

  /** The unit that runs now, for what it writes to the console. */
  log(parts: unknown[]): void {
    this.current?.unit.log(...parts);
  }

  /** The unit that runs now. */
  get owner(): object | null {
    return this.current?.unit ?? null;
  }

  /** An error that nobody caught belongs to the unit that runs now: it would otherwise wait for ever. */
  failCurrent(error: unknown): void {
    this.current?.fail(error);
  }

  /**
   * A promise was rejected that nobody awaits. Such news come a turn late: after units that went before, it may be one of theirs, so
   * the unit that waits now is run again in a turn of its own, where the blame is certain.
   */
  rejected(reason: unknown): void {
    const { current } = this;
    if (current === null) return;
    if (current.doubt === null) return current.fail(reason);
    this.isCareful = true;
    current.doubt();
  }

  private async loadUnit(language: Language | undefined, realm: StartRealm, code: UnitCode): Promise<Unit | null> {
    try {
      if (language === undefined) throw new Error(`this client cannot run ${realm.language}`);
      const log = (text: string): void => {
        this.log([text]);
      };
      const unit = await language.load(code, log, realm.kit);
      this.post({ type: "loaded" });
      return unit;
    } catch (error) {
      this.post({ type: "broken", error: `the work unit does not load: ${describe(error)}`, kind: kindOf(error) });
      return null;
    }
  }

  // Everywhere here `await`, never `then`: a unit may have replaced that, or what it makes promises of.
  private async runAfter(before: Promise<void>, message: RunMessage): Promise<void> {
    await before;
    await this.runAll(message);
  }

  private async restAfter(before: Promise<void>): Promise<void> {
    await before;
    const unit = await this.unit;
    await this.turns.next();
    this.post({ type: "resting", bytes: unit?.bytes ?? 0 });
  }

  private async runAll(message: RunMessage): Promise<void> {
    const unit = await this.unit;
    if (unit === null) return;
    const { indexes, payloads } = message;
    this.flushedAt = p.now();
    for (let i = 0; i < indexes.length; i++) {
      if (message.single || this.isCareful) await this.newTurn();
      if (message.single) this.post({ type: "started", token: message.token, index: indexes[i] as number });
      const pending = this.runOne(unit, message, indexes[i] as number, payloads[i] as WireValue);
      if (pending !== null && (await pending) === "again") i -= 1;
      if (message.single) this.flush();
    }
    this.flush();
  }

  private async newTurn(): Promise<void> {
    await this.turns.next();
    this.before = 0;
  }

  /** Run one unit; the promise is null when it answered at once, so that quick units cost no turn of the event loop. */
  private runOne(unit: Unit, message: RunMessage, index: number, payload: WireValue): Promise<Ending> | null {
    const started = p.now();
    const { token } = message;
    let api: RunningUnit;
    const fail = (error: unknown): void => {
      if (this.close(api)) this.answerFailed(token, index, error, p.now() - started);
    };
    const succeed = (value: WireValue): void => {
      try {
        checkSize(value, "result", this.terms.max_result_bytes);
      } catch (error) {
        return fail(error);
      }
      if (this.close(api)) this.answerDone(token, index, value, p.now() - started);
    };
    try {
      api = new RunningUnit(message.task, token, index, message.states[index], this.terms, this.post);
      this.current = { unit: api, fail, doubt: null };
      const result = unit.run(payload, api);
      if (p.isBytes(result)) {
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

  private untilAnswered(result: Promise<WireValue>, succeed: (value: WireValue) => void, fail: (error: unknown) => void): Promise<Ending> {
    const { current } = this;
    return new Promise<Ending>((resolve) => {
      const failNow = (error: unknown): void => {
        fail(error);
        resolve("answered");
      };
      if (current !== null) {
        current.fail = failNow;
        if (this.before > 0) current.doubt = () => {
          this.close(current.unit);
          resolve("again");
        };
      }
      const succeedNow = (value: WireValue): void => {
        succeed(value);
        resolve("answered");
      };
      void settle(result, succeedNow, failNow);
    });
  }

  /** End a unit's say; false when it was answered before. */
  private close(api: RunningUnit | undefined): boolean {
    if (api === undefined) return true;
    if (this.current?.unit !== api) return false;
    api.end();
    this.current = null;
    this.before += 1;
    return true;
  }

  private answerDone(token: string, index: number, value: WireValue, ms: number): void {
    const last = this.answers[this.answers.length - 1];
    const done: DoneMessage =
      last?.type === "done" && last.token === token ? last : this.begin({ type: "done", token, indexes: [], values: [], seconds: [] });
    p.append(done.indexes, index);
    p.append(done.values, value);
    p.append(done.seconds, ms / 1000);
    this.gather(ms);
  }

  private answerFailed(token: string, index: number, error: unknown, ms: number): void {
    this.begin({ type: "failed", token, indexes: [index], errors: [describe(error)], kinds: [kindOf(error)] });
    this.gather(ms);
  }

  private begin<M extends DoneMessage | FailedMessage>(message: M): M {
    p.append(this.answers, message);
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

async function settle(result: Promise<WireValue>, succeed: (value: WireValue) => void, fail: (error: unknown) => void): Promise<void> {
  let value: WireValue;
  try {
    value = await result;
  } catch (error) {
    fail(error);
    return;
  }
  succeed(value);
}
