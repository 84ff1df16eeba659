/**
 * How much of a computer a share is: so many slots, each busy for a part of the time.
 *
 * Rule: slots x duty is never more than cores x share.
 */

export interface Effort {
  slots: number;
  /** Part of the time that each slot computes, 0 to 1. */
  duty: number;
}

/** What a visitor may choose, in percent of the whole processor. */
export const SHARES = [5, 25, 50, 80] as const;
export const DEFAULT_SHARE = 25;
/** Seconds a slot rests at most after one run, so that a new share acts within a minute. */
const MAX_REST_S = 60;

export function effort(cores: number, percent: number): Effort {
  const wanted = (Math.max(1, cores) * percent) / 100;
  const slots = Math.max(1, Math.floor(wanted));
  return { slots, duty: Math.min(1, wanted / slots) };
}

/** Seconds to rest after computing for `busy_s`. */
export function rest(busy_s: number, duty: number): number {
  return Math.min(MAX_REST_S, busy_s * (1 / duty - 1));
}
