/**
 * What the browser's readings of the processor mean: whether to stay out of the way, and for how long.
 *
 * Rule: pure. Browsers may stop sending readings, so none counts for ever; and one that is low may be so because of the pause, which
 * therefore lasts for a while.
 */

import { SHARES } from "../client/throttle";

/** From one reading to the next, in milliseconds. */
export const SAMPLE_MS = 2_000;
const PAUSE_S = 30;
/** So long before its end a pause is made longer. */
const RENEW_S = 5;
const MOST = SHARES[3];

export class Pressure {
  private until = -Infinity;

  /**
   * A reading.
   *
   * @param state as browsers call it
   * @param percent of the processors, as the visitor chose: the largest share is a wish for most of them, and only critical pressure ends that
   * @returns seconds to pause from now on, or 0
   */
  handle(state: string, percent: number, now: number): number {
    const isHigh = state === "critical" || (state === "serious" && percent < MOST);
    if (!isHigh || now < this.until - RENEW_S) return 0;
    this.until = now + PAUSE_S;
    return PAUSE_S;
  }
}
