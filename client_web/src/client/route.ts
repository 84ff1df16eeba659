/**
 * The way to a distributor: the connection to the one that was chosen, and the change to another one.
 *
 * Rule: what is chosen is the chooser's to say; here are only the pings, the connection and their timers.
 */

import type { FromClient, ToClient } from "../protocol/messages";
import { Chooser, type Move } from "./choosing";
import type { SessionEvent } from "../session/session";
import { Connection } from "./connection";
import { measure } from "./distance";

/** A shorter wait is no refusal: what the client offers has changed. */
const MIN_FAILURE_S = 1;

const seconds = (): number => performance.now() / 1000;

export interface RouteEvents {
  /** Of the connection; and `moved` when the distributor is away and another one is asked next. */
  event(event: Extract<SessionEvent, { type: "connected" | "disconnected" | "message" | "moved" }>): void;
  /** A sibling is much nearer. */
  nearer(url: string): void;
}

export class Route {
  private readonly chooser: Chooser;
  private readonly connection: Connection;

  constructor(
    base: string,
    private readonly events: RouteEvents,
  ) {
    this.chooser = new Chooser(base, Math.random);
    this.connection = new Connection({
      connected: () => {
        events.event({ type: "connected" });
      },
      disconnected: () => {
        events.event({ type: "disconnected" });
      },
      message: (message) => {
        events.event({ type: "message", message });
      },
      failed: () => {
        this.failed();
      },
    });
  }

  /** Origin of the distributor that was chosen. */
  get current(): string {
    return this.chooser.current;
  }

  open(): void {
    this.connection.open(this.current);
  }

  close(): void {
    this.connection.close();
  }

  send(message: FromClient): void {
    this.connection.send(message);
  }

  ask(message: FromClient): Promise<ToClient | null> {
    return this.connection.ask(message);
  }

  welcomed(siblings: readonly string[], now: number): void {
    this.chooser.welcomed(siblings, now);
  }

  /** Measure how far the distributors are, when that is due. */
  tick(now: number): void {
    const urls = this.chooser.toMeasure(now);
    if (urls.length === 0) return;
    void measure(urls).then(({ distances, siblings }) => {
      const nearer = this.chooser.measured(distances, siblings, seconds());
      if (nearer !== null) this.events.nearer(nearer);
    });
  }

  /** Connect after a time: where it was told to, else to the same one, or to another one when this one lets nobody in. */
  reconnect(url: string | null, after_s: number, now: number): void {
    const move = url === null && after_s >= MIN_FAILURE_S ? this.chooser.failed(now) : null;
    if (move !== null) return this.fallBack(move);
    if (url !== null) this.chooser.went(new URL(url).origin);
    this.connection.openLater(this.current, after_s * 1000);
  }

  private failed(): void {
    const move = this.chooser.failed(seconds());
    if (move !== null) this.fallBack(move);
  }

  private fallBack({ url, after_s }: Move): void {
    this.chooser.went(url);
    this.events.event({ type: "moved" });
    this.connection.openLater(url, after_s * 1000);
  }
}
