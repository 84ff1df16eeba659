/**
 * The spare realm of an engine: one whose language has started already, for the next task in a language that is slow to start.
 *
 * Rule: nothing was ever run in it before it is given away, and it is given away once. It starts only while its engine has nothing to
 * run, and does not stay for long: it takes memory.
 */

import type { FromRealm } from "../protocol/engine";
import type { Realm, RealmEvents, Realms } from "./engine";

/** What takes seconds to start. */
export const SLOW_TO_START: ReadonlySet<string> = new Set(["python"]);
/** Idle so long, an engine most likely has time for a start. Doubles each time that a spare was of no use. */
const FIRST_WAIT_MS = 1_000;
/** A spare that nobody wants goes. */
const KEEP_MS = 60_000;

interface Waiting {
  language: string;
  realm: Realm;
  isReady: boolean;
  /** Who it was given to. */
  taker: RealmEvents | null;
}

export class Spare {
  private language: string | null = null;
  private waiting: Waiting | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waitMs = FIRST_WAIT_MS;

  /**
   * @param changed called after a spare came, or went without being asked for
   * @param mayStart asked when one is about to start; it waits again while the answer is no
   */
  constructor(
    private readonly realms: Realms,
    private readonly changed: () => void,
    private readonly mayStart: () => boolean = () => true,
  ) {}

  get languages(): string[] {
    return this.waiting === null ? [] : [this.waiting.language];
  }

  /** Whether it takes processor time just now. */
  get isStarting(): boolean {
    return this.waiting !== null && !this.waiting.isReady;
  }

  /** A realm of this language is in use from now on: the next task may well be in it, too. */
  follow(language: string): void {
    this.drop();
    if (SLOW_TO_START.has(language)) this.language = language;
  }

  /** The engine has nothing to run. */
  rest(): void {
    const { language } = this;
    if (language === null || this.waiting !== null) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.start(language);
    }, this.waitMs);
  }

  /** The engine has something to run again, in the realm that it has: a start beside it would take its time. */
  work(): void {
    if (this.waiting === null) clearTimeout(this.timer);
    else if (!this.waiting.isReady) this.giveUp();
  }

  /** Give the spare away, if it is of this language; its events go to `events` from now on. */
  take(language: string, events: RealmEvents): Realm | null {
    const { waiting } = this;
    if (waiting?.language !== language) return null;
    clearTimeout(this.timer);
    this.waiting = null;
    waiting.taker = events;
    return waiting.realm;
  }

  /** Have none, and make none before the next `follow`. */
  drop(): void {
    this.end();
    this.language = null;
    this.waitMs = FIRST_WAIT_MS;
  }

  private start(language: string): void {
    if (!this.mayStart()) return this.rest();
    const events: RealmEvents = {
      message: (message) => {
        if (waiting.taker !== null) waiting.taker.message(message);
        else if (waiting === this.waiting) this.hear(waiting, message);
      },
      death: (reason) => {
        if (waiting.taker !== null) waiting.taker.death(reason);
        else if (waiting === this.waiting) this.drop();
      },
    };
    const waiting: Waiting = { language, realm: this.realms.spawn({ language, unit: null }, events), isReady: false, taker: null };
    this.waiting = waiting;
    this.timer = setTimeout(() => {
      this.giveUp();
    }, KEEP_MS);
    this.changed();
  }

  /** A realm that does not come up is not tried again: the next one that is needed tells what is wrong. */
  private hear(waiting: Waiting, message: FromRealm): void {
    if (message.type === "prepared") waiting.isReady = true;
    else this.drop();
  }

  private giveUp(): void {
    this.waitMs *= 2;
    this.end();
  }

  private end(): void {
    clearTimeout(this.timer);
    this.waiting?.realm.terminate();
    this.waiting = null;
    this.changed();
  }
}
