/**
 * What a visitor chose, kept for 30 days if the visitor ticked that.
 *
 * Rule: choices fill in the box that asks; they never stand in for the click on Start. Storage that is refused is no error.
 */

const KEY = "disio.choices";
const KEPT_MS = 30 * 24 * 3600 * 1000;

export interface Choices {
  percent: number;
  hidden: boolean;
  battery: boolean;
}

export function storedChoices(now: number): Partial<Choices> {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as (Partial<Choices> & { until?: unknown }) | null;
    if (kept !== null && typeof kept.until === "number" && kept.until > now && kept.until <= now + KEPT_MS) return kept;
  } catch {
    // Refused in this frame, or not ours.
  }
  return {};
}

export function rememberChoices(choices: Choices, now: number): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...choices, until: now + KEPT_MS }));
  } catch {
    // Refused in this frame.
  }
}

export function forgetChoices(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Refused in this frame.
  }
}
