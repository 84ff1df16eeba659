/**
 * What a client says it can run: all that it is made for, without languages whose files cannot be had for now.
 *
 * Rule: pure. A language that was withdrawn is offered again after a while, which doubles each time that it was in vain.
 */

const AGAIN_FIRST_S = 60;
const AGAIN_CEILING_S = 3600;

interface Withdrawn {
  againAt: number;
  reason: string;
}

export class Offer {
  private readonly withdrawn = new Map<string, Withdrawn>();
  private readonly waits = new Map<string, number>();

  constructor(private readonly whole: readonly string[]) {}

  get languages(): string[] {
    return this.whole.filter((language) => !this.withdrawn.has(language));
  }

  /** Why something is not offered; empty = nothing is missing. */
  get reason(): string {
    for (const { reason } of this.withdrawn.values()) return reason;
    return "";
  }

  withdraw(language: string, reason: string, now: number): void {
    const wait = Math.min(2 * (this.waits.get(language) ?? AGAIN_FIRST_S / 2), AGAIN_CEILING_S);
    this.waits.set(language, wait);
    this.withdrawn.set(language, { againAt: now + wait, reason });
  }

  /** Take up what may be offered again; whether something was. */
  isLarger(now: number): boolean {
    const before = this.withdrawn.size;
    for (const [language, { againAt }] of [...this.withdrawn]) if (now >= againAt) this.withdrawn.delete(language);
    return this.withdrawn.size < before;
  }
}
