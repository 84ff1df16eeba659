/**
 * All that may pause a client that was started: the visitor, the page, the machine, other tabs, and the box being out of sight.
 *
 * Rule: here are the listeners and the clock; what they mean together is decided in pauses.ts. Made after consent, and of no use after `stop`.
 */

import { Backoff } from "./backoff";
import { MachineWatch } from "./machine";
import { OneTab } from "./one_tab";
import { Pauses, type Allowable, type Cause, type PauseEvent, type Reason } from "./pauses";
import { Presence } from "./presence";
import { Pressure } from "./pressure";

const TICK_MS = 1_000;
const HOUR_S = 3600;

const seconds = (): number => performance.now() / 1000;

export class Pausing {
  private readonly pauses = new Pauses();
  private readonly backoff = new Backoff();
  private readonly pressure = new Pressure();
  private readonly machine = new MachineWatch(
    (cause, isOn) => {
      this.set(cause, isOn);
    },
    (state) => {
      this.stayAway("pressure", this.pressure.handle(state, this.percent(), seconds()));
    },
  );
  private readonly oneTab = new OneTab((isElsewhere) => {
    this.set("tab", isElsewhere);
  });
  private readonly presence: Presence;
  private timer = 0;
  private told: string | null = "";

  /**
   * @param box what the visitor must be able to see
   * @param percent the share that the visitor chose
   * @param changed told what to wait for, or null: go on
   */
  constructor(
    box: Element,
    isInText: boolean,
    private readonly percent: () => number,
    private readonly changed: (reason: Reason | null) => void,
  ) {
    this.presence = new Presence(box, isInText, (isSeen) => {
      this.set("unseen", !isSeen);
    });
  }

  start(): void {
    this.presence.start();
    this.machine.start();
    this.handle({ type: "tick" });
    this.timer = window.setInterval(() => {
      this.handle({ type: "tick" });
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.presence.stop();
    this.machine.stop();
    this.oneTab.want(false);
  }

  get isByVisitor(): boolean {
    return this.pauses.has("visitor");
  }

  visitor(isOn: boolean): void {
    this.set("visitor", isOn);
  }

  hour(): void {
    this.handle({ type: "on", cause: "visitor", seconds: HOUR_S });
  }

  /** @param ms what is no number means: until it resumes */
  page(isOn: boolean, ms?: unknown): void {
    const seconds = typeof ms === "number" && ms >= 0 ? ms / 1000 : Infinity;
    this.handle(isOn ? { type: "on", cause: "page", seconds } : { type: "off", cause: "page" });
  }

  allow(cause: Allowable, isAllowed: boolean): void {
    this.handle({ type: "allow", cause, isAllowed });
  }

  longTask(ms: number): void {
    this.stayAway("busy", this.backoff.handle(ms, seconds()));
  }

  private stayAway(cause: Cause, seconds: number): void {
    if (seconds > 0) this.handle({ type: "on", cause, seconds });
  }

  private set(cause: Cause, isOn: boolean): void {
    this.handle({ type: isOn ? "on" : "off", cause });
  }

  private handle(event: PauseEvent): void {
    const reason = this.pauses.handle(event, seconds());
    const key = reason && `${reason.cause} ${reason.until}`;
    if (key !== this.told) {
      this.told = key;
      this.changed(reason);
    }
    this.oneTab.want(this.pauses.reason("tab") === null);
  }
}
