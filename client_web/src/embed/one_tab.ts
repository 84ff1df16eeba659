/**
 * One computing tab for each browser: a Web Lock of the distributor's origin.
 *
 * Rule: the lock is held only while this tab would compute. Where browsers part the storage of frames by the site around them, it counts
 * for the tabs of one site; where there are no locks it does not count at all.
 */

const NAME = "disio.compute";
/** A lock that nobody holds comes sooner. */
const PATIENCE_MS = 100;

export class OneTab {
  private ends: AbortController | null = null;
  private timer = 0;
  private release: (() => void) | null = null;

  /** @param changed told whether another tab computes */
  constructor(private readonly changed: (isElsewhere: boolean) => void) {}

  /** Whether this tab would compute. */
  want(isWanted: boolean): void {
    const locks = (navigator as { locks?: LockManager }).locks;
    if (locks === undefined) return;
    if (!isWanted) return this.giveUp();
    if (this.ends !== null) return;
    const ends = new AbortController();
    this.ends = ends;
    this.timer = window.setTimeout(() => {
      this.changed(true);
    }, PATIENCE_MS);
    locks.request(NAME, { signal: ends.signal }, () => this.held(ends)).catch((error: unknown) => {
      // Asked no longer, or locks are refused in this frame.
      if (!ends.signal.aborted) console.warn("disio: no lock:", error);
      if (this.ends === ends) this.tellFree();
    });
  }

  private held(ends: AbortController): Promise<void> {
    return new Promise((resolve) => {
      if (this.ends !== ends) return resolve();
      this.release = resolve;
      this.tellFree();
    });
  }

  private tellFree(): void {
    clearTimeout(this.timer);
    this.changed(false);
  }

  private giveUp(): void {
    clearTimeout(this.timer);
    this.ends?.abort();
    this.ends = null;
    this.release?.();
    this.release = null;
  }
}
