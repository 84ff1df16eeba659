/**
 * Why nothing is computed just now, and until when.
 *
 * Rule: pure. Computing goes on only when no cause is left; the visitor's own causes are told first. A cause that the visitor allowed is
 * none, and a pause that ends by time ends by itself.
 */

/** In the order in which they are told. */
const CAUSES = ["visitor", "page", "hidden", "unseen", "offline", "battery", "data", "pressure", "busy", "tab"] as const;
export type Cause = (typeof CAUSES)[number];
/** What a visitor may allow nevertheless. */
export type Allowable = "hidden" | "battery";

export type PauseEvent =
  /** It holds from now on, for `seconds` or until it is over. */
  | { type: "on"; cause: Cause; seconds?: number }
  | { type: "off"; cause: Cause }
  | { type: "allow"; cause: Allowable; isAllowed: boolean }
  | { type: "tick" };

export interface Reason {
  cause: Cause;
  /** When it ends by itself, in seconds of the clock that `handle` is given; Infinity = not by itself. */
  until: number;
}

export class Pauses {
  private readonly on = new Map<Cause, number>();
  private readonly allowed = new Set<Cause>();

  /** Take note; returns what is to be told, or null when computing may go on. */
  handle(event: PauseEvent, now: number): Reason | null {
    if (event.type === "on") this.on.set(event.cause, now + (event.seconds ?? Infinity));
    else if (event.type === "off") this.on.delete(event.cause);
    else if (event.type === "allow" && event.isAllowed) this.allowed.add(event.cause);
    else if (event.type === "allow") this.allowed.delete(event.cause);
    for (const [cause, until] of [...this.on]) if (now >= until) this.on.delete(cause);
    return this.reason();
  }

  has(cause: Cause): boolean {
    return this.on.has(cause);
  }

  /** What is to be told; `without` is looked past. */
  reason(without?: Cause): Reason | null {
    for (const cause of CAUSES) {
      const until = this.on.get(cause);
      if (until !== undefined && cause !== without && !this.allowed.has(cause)) return { cause, until };
    }
    return null;
  }
}
