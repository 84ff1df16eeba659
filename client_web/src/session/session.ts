/**
 * What a client says and asks: Hello, Ready, results, heartbeats, leaving. docs/protocol.md in code.
 *
 * Rule: pure. No clock, socket, timer or DOM; `handle(event, now)` returns commands, in the order in which to do them.
 */

import { PROTOCOL_VERSION, type Assign, type Cancel, type ErrorMessage, type Hello, type Redirect, type Refused, type Results, type ToClient, type Welcome } from "../protocol/messages";
import { Batches, type Run } from "./batches";
import type { Command, Identity, SessionEvent, SessionOptions } from "./events";
import { Holdback, isPassing } from "./holdback";
import { Offer } from "./offer";
import { Outbox } from "./outbox";
import { Reports, type Limits } from "./reports";

/** A client paused for longer gives back what it did not start. */
const KEEP_PAUSED_S = 30;
/** What is left in the outbox may take this long to go out before the client moves to another distributor. */
const MOVE_S = 5;
/** The client says Progress this much more often than it must, so that one late timer costs no lease. */
const HEARTBEAT_MARGIN = 2;
/** The acknowledgement of Hello has this id; outbox ids start at 1. */
export const HELLO_ID = 0;

export type { Command, Identity, SessionEvent, SessionOptions } from "./events";

export class Session {
  private readonly batches = new Batches();
  private readonly outbox = new Outbox();
  private readonly reports = new Reports(this.batches, this.outbox);
  private readonly holdback: Holdback;
  private readonly offer: Offer;
  /** Tokens of distributors it has left: their units end here, and their results go to whoever is there. */
  private readonly orphans = new Set<string>();
  private welcome: Welcome | null = null;
  private isReadyOut = false;
  private lastBatch = 0;
  private slots = 1;
  private pausedAt: number | null = null;
  private isHeldByDistributor = false;
  private isLeaving = false;
  private heartbeatAt = 0;
  private moving: { url: string; reason: string; deadline: number } | null = null;
  private commands: Command[] = [];

  /** @param random Draws from 0 to 1, so that clients do not come back in step. */
  constructor(
    private readonly options: SessionOptions,
    random: () => number,
  ) {
    this.holdback = new Holdback(random);
    this.offer = new Offer(options.languages);
  }

  get isUp(): boolean {
    return this.welcome !== null;
  }

  /** What it was given by the distributor it is at. */
  private get holding(): string[] {
    return this.batches.tokens.filter((token) => !this.orphans.has(token));
  }

  /** Results that no distributor has stored yet. */
  get owed(): { id: number; message: Results }[] {
    return this.outbox.owed;
  }

  get identity(): Identity {
    const { client_id, secret } = this.options;
    return { client_id, secret };
  }

  private get isGoing(): boolean {
    return this.moving !== null || this.isLeaving;
  }

  /** What it has units of, one of each task. */
  get running(): Assign[] {
    const all = this.batches.tokens.map((token) => this.batches.assignOf(token)).filter((assign) => assign !== undefined);
    return [...new Map(all.map((assign) => [assign.task, assign])).values()];
  }

  /** Why the distributor takes no results just now; empty = it does. */
  get trouble(): string {
    return this.holdback.reason;
  }

  /** Why it does not run all that it is made for just now; empty = it does. */
  get lack(): string {
    return this.offer.reason;
  }

  private get limits(): Limits {
    return { result: this.welcome?.max_result_bytes ?? Infinity, state: this.welcome?.max_state_bytes ?? Infinity };
  }

  /** The next run for a slot, or null: a state transition like any event, kept apart because it answers with a value. */
  take(): Run | null {
    if (this.pausedAt !== null || this.isHeldByDistributor || this.isGoing || this.outbox.isFull) return null;
    return this.batches.take(this.slots);
  }

  assignOf(token: string): Assign | undefined {
    return this.batches.assignOf(token);
  }

  /** What is still wanted of a run that was taken and has not begun, or null. */
  openPart(run: Run): Run | null {
    return this.batches.openPart(run);
  }

  putBack(token: string, indexes: readonly number[]): void {
    this.batches.putBack(token, indexes);
  }

  handle(event: SessionEvent, now: number): Command[] {
    this.commands = [];
    this.dispatch(event, now);
    this.pump(now);
    return this.commands;
  }

  private dispatch(event: SessionEvent, now: number): void {
    switch (event.type) {
      case "connected":
        return void this.commands.push({ type: "ask", id: HELLO_ID, message: this.hello() });
      case "disconnected":
        return this.disconnected();
      case "answered":
        return event.id === HELLO_ID ? this.greeted(event.message, now) : this.acknowledged(event.id, event.message, now);
      case "message":
        return this.received(event.message, now);
      case "report":
        return this.reports.take(event.message, this.limits, now);
      case "slots":
        this.slots = event.slots;
        return;
      case "pause":
        this.pausedAt ??= now;
        return;
      case "resume":
        this.pausedAt = null;
        return void this.commands.push({ type: "work" });
      case "leave":
        return this.leave();
      case "moved":
        return this.moved();
      case "owed":
        return this.owe(event.identity, event.messages);
      case "lacks":
        return this.lacks(event.language, event.reason, now);
      case "tick":
        return this.ticked(now);
    }
  }

  // Connection

  private hello(): Hello {
    const { languages } = this.offer;
    return { ...this.options, languages, type: "hello", version: PROTOCOL_VERSION, name: "", holding: this.holding };
  }

  private disconnected(): void {
    this.welcome = null;
    this.isReadyOut = false;
    this.isHeldByDistributor = false;
    this.outbox.retry();
  }

  private greeted(answer: ToClient | null, now: number): void {
    if (answer?.type === "welcome") return this.welcomed(answer, now);
    if (answer?.type === "redirect") return this.redirected(answer, now);
    if (answer?.type === "refused") return this.refused(answer);
    this.commands.push({ type: "reconnect", url: null, after_s: 5, reason: "The distributor does not answer." });
  }

  private welcomed(welcome: Welcome, now: number): void {
    this.welcome = welcome;
    this.heartbeatAt = now;
    const { client_id, secret } = welcome;
    Object.assign(this.options, { client_id, secret });
    this.commands.push({ type: "remember", identity: { client_id, secret } }, { type: "welcomed", siblings: welcome.siblings }, { type: "work" });
  }

  private refused({ reason, retry_after_s }: Refused): void {
    this.commands.push({ type: "reconnect", url: null, after_s: retry_after_s < 0 ? null : retry_after_s, reason });
  }

  private redirected({ url, reason }: Redirect, now: number): void {
    const tokens = this.batches.tokens;
    this.outbox.seal();
    if (tokens.length > 0) this.giveBack(tokens);
    this.moving = { url, reason, deadline: this.isUp ? now + MOVE_S : now };
  }

  /** What runs goes on, and what is finished is kept; what did not start is the old distributor's to hand out again. */
  private moved(): void {
    this.batches.takeWaiting();
    for (const token of this.orphans) if (this.batches.assignOf(token) === undefined) this.orphans.delete(token);
    for (const token of this.batches.tokens) this.orphans.add(token);
    this.outbox.moved();
    this.moving = null;
    this.holdback.accepted(); // of no meaning to the next one
    this.disconnected();
  }

  /** Go on as the client that computed them, if it is none yet. */
  private owe(identity: Identity, messages: readonly Results[]): void {
    if (this.options.client_id === "") Object.assign(this.options, identity);
    if (this.options.client_id === identity.client_id) for (const message of messages) this.outbox.add(message);
  }

  /** Go to a sibling, as if the distributor had said so. */
  goTo(url: string, reason: string, now: number): Command[] {
    return this.handle({ type: "message", message: { type: "redirect", url, reason } }, now);
  }

  private lacks(language: string, reason: string, now: number): void {
    // Several slots may find out.
    if (!this.offer.languages.includes(language)) return;
    this.offer.withdraw(language, reason, now);
    const tokens = this.batches.tokens.filter((token) => this.batches.assignOf(token)?.language === language);
    if (tokens.length > 0) this.giveBack(tokens);
    this.greetAgain(reason);
  }

  /** What it offers has changed. */
  private greetAgain(reason: string): void {
    this.disconnected();
    this.commands.push({ type: "reconnect", url: null, after_s: 0.5, reason });
  }

  private giveBack(tokens: string[]): void {
    for (const token of tokens) this.batches.drop(token);
    this.outbox.add({ type: "release", tokens, indexes: tokens.map(() => []) });
    this.commands.push({ type: "stop", tokens });
  }

  private move(now: number): void {
    if (this.moving === null || (!this.outbox.isEmpty && now < this.moving.deadline)) return;
    const { url, reason } = this.moving;
    this.moving = null;
    this.holdback.accepted(); // of no meaning to the next one
    this.disconnected();
    this.commands.push({ type: "reconnect", url, after_s: 0.5, reason });
  }

  // Messages

  private received(message: ToClient, now: number): void {
    switch (message.type) {
      case "assign":
        return this.assigned(message);
      case "cancel":
        return this.cancelled(message);
      case "idle":
        return void this.commands.push({ type: "tell", reason: message.reason });
      case "pause":
        this.isHeldByDistributor = true;
        return void this.commands.push({ type: "tell", reason: message.reason });
      case "resume":
        this.isHeldByDistributor = false;
        return void this.commands.push({ type: "work" });
      case "redirect":
        return this.redirected(message, now);
      case "refused":
        return this.refused(message);
      case "error":
        return void this.commands.push({ type: "tell", reason: message.reason });
      default:
        // Welcome and Stored come as acknowledgements only.
        return;
    }
  }

  private assigned(assign: Assign): void {
    this.isReadyOut = false;
    this.lastBatch = assign.indexes.length;
    this.batches.add(assign);
    this.commands.push({ type: "work" });
  }

  private cancelled({ task, tokens, indexes }: Cancel): void {
    if (tokens.length === 0) return this.forget(this.batches.tokens.filter((token) => this.batches.assignOf(token)?.task === task));
    this.forget(tokens.filter((_, at) => !indexes[at]?.length));
    tokens.forEach((token, at) => {
      if (indexes[at]?.length) this.forgetUnits(token, new Set(indexes[at]));
    });
  }

  private forgetUnits(token: string, indexes: ReadonlySet<number>): void {
    this.batches.closeUnits(token, indexes);
    this.outbox.dropUnits(token, indexes);
    if (this.batches.assignOf(token) === undefined) this.outbox.seal(token);
    this.commands.push({ type: "stop-units", token, indexes });
  }

  private forget(tokens: string[]): void {
    for (const token of tokens) {
      this.batches.drop(token);
      this.outbox.drop(token);
    }
    if (tokens.length > 0) this.commands.push({ type: "stop", tokens });
  }

  private acknowledged(id: number, answer: ToClient | null, now: number): void {
    if (answer === null) return this.outbox.retry(id);
    if (answer.type === "error") return this.notTaken(id, answer, now);
    const message = this.outbox.settle(id);
    if (message === null || message.type === "release") return;
    if (message.type !== "checkpoint") this.holdback.accepted();
    if (answer.type === "stored" && answer.dead) this.forget([message.token]);
  }

  /** Keep what there is no room for just now, and give up what makes no sense to the distributor. */
  private notTaken(id: number, { code, reason }: ErrorMessage, now: number): void {
    if (!isPassing(code)) {
      this.outbox.settle(id);
      this.commands.push({ type: "tell", reason });
    } else if (this.outbox.refuse(id)) {
      this.holdback.refused(reason, now);
    }
  }

  // Time

  private ticked(now: number): void {
    if (this.offer.isLarger(now) && this.isUp && !this.isGoing) this.greetAgain("");
    if (this.pausedAt !== null && now - this.pausedAt >= KEEP_PAUSED_S) this.releaseWaiting();
    if (this.welcome === null || now - this.heartbeatAt < this.welcome.heartbeat_s / HEARTBEAT_MARGIN) return;
    this.heartbeatAt = now;
    for (const token of this.holding) {
      const fractions = this.batches.fractionsOf(token);
      this.commands.push({ type: "send", message: { type: "progress", token, indexes: [...fractions.keys()], fractions: [...fractions.values()] } });
    }
  }

  private releaseWaiting(): void {
    const waiting = this.batches.takeWaiting();
    if (waiting.tokens.length > 0) this.outbox.add({ type: "release", ...waiting });
  }

  private leave(): void {
    const tokens = this.batches.tokens;
    this.isLeaving = true;
    this.outbox.seal();
    if (tokens.length > 0) this.giveBack(tokens);
  }

  private pump(now: number): void {
    this.holdback.advance(this.outbox.isEmpty, now);
    if (this.welcome !== null) {
      for (const { id, message } of this.outbox.pump(now, this.isLeaving, this.holdback.isOn)) this.commands.push({ type: "ask", id, message });
      this.askForWork();
    }
    this.move(now);
  }

  private askForWork(): void {
    const { queued } = this.batches;
    const isLow = queued * 2 < Math.max(1, this.lastBatch);
    if (this.isReadyOut || !isLow || this.pausedAt !== null || this.isGoing || this.trouble !== "" || this.outbox.isFull) return;
    this.isReadyOut = true;
    this.commands.push({ type: "send", message: { type: "ready", slots: this.slots, queued } });
  }
}
