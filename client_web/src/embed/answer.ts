/**
 * Tells the distributor what a visitor answered, so that its operator knows how many want to help on which site.
 *
 * Rule: one small request after the visitor's own click, with the page's origin and nothing of the visitor; whether it arrives is of no matter.
 */

export type Answer = "granted" | "declined" | "revoked";

export function tellAnswer(answer: Answer, page: string): void {
  const query = new URLSearchParams({ answer, page });
  navigator.sendBeacon(`/embed/answer?${query.toString()}`);
}
