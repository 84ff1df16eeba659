/**
 * While the distributor takes no results: how long they are held back, and why.
 *
 * Rule: pure. One step of the backoff for each round of refusals, however many messages were under way in it.
 */

const FIRST_S = 2;
const CEILING_S = 60;
/** Codes of an error that say: not now. */
const PASSING = new Set(["full", "unavailable"]);

export const isPassing = (code: string): boolean => PASSING.has(code);

export class Holdback {
  private rounds = 0;
  private until: number | null = null;
  /** Why the distributor took nothing; empty = it takes results, as far as the client knows. */
  reason = "";

  /** @param random Draws from 0 to 1. */
  constructor(private readonly random: () => number) {}

  get isOn(): boolean {
    return this.until !== null;
  }

  refused(reason: string, now: number): void {
    this.reason = reason === "" ? "The distributor takes no results just now." : reason;
    if (this.until !== null) return;
    const step = Math.min(CEILING_S, FIRST_S * 2 ** Math.min(this.rounds, 32));
    this.rounds += 1;
    this.until = now + (step * (1 + this.random())) / 2;
  }

  /** Results were stored. */
  accepted(): void {
    this.rounds = 0;
    this.until = null;
    this.reason = "";
  }

  /** Let results go again when their time has come; with nothing owed, nothing can be refused any more. */
  advance(isNothingOwed: boolean, now: number): void {
    if (this.until !== null && now >= this.until) this.until = null;
    if (this.until === null && isNothingOwed) this.accepted();
  }
}
