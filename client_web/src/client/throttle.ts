/**
 * How much of a computer a share is, and when a slot may compute so that the share is held.
 *
 * Rule: pure, and one account for all slots. It is credited with cores x share for each second, and charged for each second of each
 * slot that computes, whatever is computed; nothing is forgotten at the end of a run. A unit that does not yield cannot be cut into
 * slices from outside, so what it takes too much is owed, and rested for afterwards, however long that takes. (A token bucket that may
 * go below zero.)
 */

/** What a visitor may choose, in percent of the whole processor. */
export const SHARES = [5, 25, 50, 80] as const;
export const DEFAULT_SHARE = 25;
/** So many seconds' worth of credit is kept at most: timers are late by a second in pages that are not in front, and idle time is not saved up. */
const KEEP_S = 1;
/** Numbers of slots are whole; this is less than any of them can be told apart by. */
const HAIR = 1e-9;

export type ThrottleEvent =
  | { type: "share"; percent: number }
  /** So many slots compute from now on. */
  | { type: "busy"; slots: number }
  | { type: "pause" }
  | { type: "resume" };

/** Processors' worth of a share. */
export function wantedCores(cores: number, percent: number): number {
  return (Math.max(1, cores) * percent) / 100;
}

/** How many slots it takes to use a share: whole ones first, and one more for what is left. */
export function slotsFor(cores: number, percent: number): number {
  return Math.max(1, Math.ceil(wantedCores(cores, percent) - HAIR));
}

export class Throttle {
  /** Seconds of one processor; less than zero = owed. */
  private account = 0;
  private wanted: number;
  private busy = 0;
  private isPaused = false;
  private countedTo: number | null = null;

  constructor(
    private readonly cores: number,
    percent: number,
  ) {
    this.wanted = wantedCores(cores, percent);
  }

  handle(event: ThrottleEvent, now: number): void {
    this.count(now);
    if (event.type === "busy") this.busy = event.slots;
    else if (event.type === "share") this.wanted = wantedCores(this.cores, event.percent);
    else this.isPaused = event.type === "pause";
    this.account = Math.min(this.account, this.ceiling);
  }

  /**
   * Whether one more slot may begin: nothing is owed, or what is owed shrinks nevertheless.
   *
   * @param promised slots that were let begin and do not compute yet: without them, slots that end in one moment would all be let
   *   begin in another, each as if it were alone
   */
  mayBegin(now: number, promised = 0): boolean {
    this.count(now);
    return !this.isPaused && (this.account >= -HAIR || this.busy + promised + 1 < this.wanted - HAIR);
  }

  /** Seconds until one more slot may begin, if nothing changes; 0 = now, null = not before something does. */
  wait(now: number, promised = 0): number | null {
    if (this.mayBegin(now, promised)) return 0;
    const gain = this.wanted - this.busy - promised;
    return this.isPaused || gain <= 0 ? null : -this.account / gain;
  }

  /** Credit does not grow while paused: it would be spent at once afterwards. */
  private get ceiling(): number {
    return this.isPaused ? 0 : KEEP_S * this.wanted;
  }

  private count(now: number): void {
    const passed = Math.max(0, now - (this.countedTo ?? now));
    this.countedTo = Math.max(now, this.countedTo ?? now);
    this.account = Math.min(this.ceiling, this.account + passed * (this.wanted - this.busy));
  }
}
