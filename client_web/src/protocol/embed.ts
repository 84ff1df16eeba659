/**
 * What the loader on the embedding page and the consent frame say to each other by postMessage.
 *
 * Rule: nothing here can start computing. Names and counts go out to the page, never payloads, results or the client's secret.
 */

export type PublicState = "idle" | "asked" | "running" | "paused" | "blocked" | "revoked";

export interface Stats {
  units: number;
  seconds: number;
  tasks: string[];
  /** The share of the processor that the visitor chose. */
  percent: number;
}

export type ToConsent =
  | { disio: "open" | "close" | "resume" | "revoke" }
  /** For so many milliseconds, or until resumed. */
  | { disio: "pause"; ms?: number }
  /** The page's main thread was blocked for so long. */
  | { disio: "longtask"; ms: number };

export type FromConsent =
  | { disio: "size"; width: number; height: number }
  | { disio: "consent"; answer: "granted" | "declined" | "revoked" }
  | { disio: "status"; state: PublicState; reason: string; stats: Stats };
