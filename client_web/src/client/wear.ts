/**
 * When the compute frame is made anew because a unit may have filled its process with memory.
 *
 * Rule: pure. Units of other slots get time to end by themselves, each time twice as much when they did not, so that a task whose units
 * run out of memory again and again cannot keep the long units of another one from ever ending.
 */

const FIRST_PATIENCE_S = 2;
const MAX_PATIENCE_S = 600;

export class Wear {
  private since: number | null = null;
  private patience = FIRST_PATIENCE_S;

  /** Nothing new may start in the frame. */
  get isOn(): boolean {
    return this.since !== null;
  }

  note(now: number): void {
    this.since ??= now;
  }

  /** Whether the frame goes now. */
  isDue(now: number, isBusy: boolean): boolean {
    return this.since !== null && (!isBusy || now - this.since >= this.patience);
  }

  /** The frame was made anew, or ended by itself. */
  renewed(wasBusy: boolean): void {
    this.since = null;
    this.patience = wasBusy ? Math.min(MAX_PATIENCE_S, 2 * this.patience) : FIRST_PATIENCE_S;
  }
}
