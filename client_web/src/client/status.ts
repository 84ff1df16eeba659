/**
 * What the client tells the widget about itself.
 *
 * Rule: a new state or reason is told at once, numbers once a second: drawing the widget anew takes processor time that the visitor
 * did not lend.
 */

export type ClientState = "connecting" | "running" | "waiting" | "paused" | "blocked" | "stopped";

export interface RunningTask {
  name: string;
  language: string;
  /** SHA-256 of its code. */
  workunit: string;
}

export interface Status {
  state: ClientState;
  /** Why, in a sentence; empty when all is well. */
  reason: string;
  running: RunningTask[];
  units: number;
  seconds: number;
}

const NUMBERS_S = 1;

export class Teller {
  private key = "";
  private toldAt = -Infinity;

  constructor(private readonly tell: (status: Status) => void) {}

  /** @param now seconds */
  note(status: Status, now: number): void {
    const key = `${status.state} ${status.reason}`;
    if (key === this.key && now - this.toldAt < NUMBERS_S) return;
    [this.key, this.toldAt] = [key, now];
    this.tell(status);
  }
}
