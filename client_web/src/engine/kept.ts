/**
 * Realms of tasks that ran lately, kept for their next units: where a language is slow to start, tasks that take turns would otherwise
 * pay for a start at each turn.
 *
 * Rule: a realm comes back to the task and work unit that it was made for, and to no other. What is kept is bounded in number, memory
 * and time; the one used longest ago goes first, and one whose unit left something running goes at once.
 */

import type { FromRealm } from "../protocol/engine";
import type { Realm } from "./engine";

/** Realms beside the one that runs. */
const MAX_KEPT = 3;
/** A realm whose turn does not come goes. Its unit may have left callbacks behind, which take time of the computer. */
const KEEP_MS = 60_000;
/** A realm in which nothing runs answers much sooner, also on a busy machine. */
const REST_MS = 20_000;
/** What a realm takes beside what it tells of, in bytes. */
const OWN_BYTES = 48 * 1024 * 1024;

/** A realm that has its unit. */
export interface LiveRealm {
  key: string;
  language: string;
  realm: Realm;
  isLoaded: boolean;
}

interface Resting {
  live: LiveRealm;
  /** What it takes; 0 until it told. */
  bytes: number;
  timer: ReturnType<typeof setTimeout>;
}

export class Kept {
  /** By key, the one used longest ago first. */
  private readonly resting = new Map<string, Resting>();

  /**
   * @param maxBytes what all of them together may take
   * @param changed called after realms went that nobody asked for
   */
  constructor(
    private readonly maxBytes: number,
    private readonly changed: () => void,
  ) {}

  get languages(): string[] {
    return [...this.resting.values()].map((one) => one.live.language);
  }

  /** Keep a realm that has nothing to run, and that is not kept already. */
  put(live: LiveRealm): void {
    this.resting.set(live.key, { live, bytes: 0, timer: this.endAfter(live, REST_MS) });
    live.realm.post({ type: "rest" });
    this.fit();
  }

  /** The realm of this task and work unit, which is not kept any more; null = there is none. */
  take(key: string): LiveRealm | null {
    const found = this.resting.get(key);
    if (found === undefined) return null;
    clearTimeout(found.timer);
    this.resting.delete(key);
    return found.live;
  }

  /** What a realm says that is kept, or was. */
  hear(live: LiveRealm, message: FromRealm): void {
    const found = this.resting.get(live.key);
    if (found?.live !== live) return;
    if (message.type === "broken") return this.lose(live);
    if (message.type !== "resting") return;
    clearTimeout(found.timer);
    found.bytes = OWN_BYTES + message.bytes;
    found.timer = this.endAfter(live, KEEP_MS);
    this.fit();
    this.changed();
  }

  /** It ended, or has to. */
  lose(live: LiveRealm): void {
    if (this.resting.get(live.key)?.live !== live) return;
    this.take(live.key)?.realm.terminate();
    this.changed();
  }

  drop(): void {
    for (const key of [...this.resting.keys()]) this.take(key)?.realm.terminate();
  }

  private endAfter(live: LiveRealm, ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.lose(live);
    }, ms);
  }

  private fit(): void {
    for (const key of [...this.resting.keys()]) {
      if (this.resting.size <= MAX_KEPT && this.bytes() <= this.maxBytes) return;
      this.take(key)?.realm.terminate();
    }
  }

  private bytes(): number {
    let bytes = 0;
    for (const one of this.resting.values()) bytes += one.bytes;
    return bytes;
  }
}
