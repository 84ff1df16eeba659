/**
 * How long computing stays away from a page whose main thread is busy: long tasks may be the page's own, and get their processor.
 *
 * Rule: pure. So much blocking within so short a time pauses, for twice as long each time that it comes again soon.
 */

const WINDOW_S = 10;
/** Milliseconds of long tasks within the window that are too many. */
const BLOCKED_MS = 1_000;
const FIRST_S = 10;
const LONGEST_S = 300;
/** Quiet for so long after a pause, the next one is short again. */
const FORGIVEN_S = 300;
const MAX_KEPT = 200;

export class Backoff {
  private tasks: { at: number; ms: number }[] = [];
  private pause_s = FIRST_S;
  private endedAt = -Infinity;

  /** A long task of the page; returns seconds to pause, or 0. */
  handle(ms: number, now: number): number {
    if (!Number.isFinite(ms) || ms <= 0 || now < this.endedAt) return 0;
    this.tasks = [...this.tasks.filter((task) => now - task.at < WINDOW_S), { at: now, ms }].slice(-MAX_KEPT);
    if (this.tasks.reduce((sum, task) => sum + task.ms, 0) < BLOCKED_MS) return 0;
    this.tasks = [];
    this.pause_s = now - this.endedAt < FORGIVEN_S ? Math.min(LONGEST_S, 2 * this.pause_s) : FIRST_S;
    this.endedAt = now + this.pause_s;
    return this.pause_s;
  }
}
