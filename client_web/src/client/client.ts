/**
 * The browser client: the session's hands. It connects, fetches code, runs slots, and keeps time.
 *
 * Rule: decisions are the session's and the watchdogs'; here are only the socket, the frame and the timers.
 */

import type { Results } from "../protocol/messages";
import type { Run } from "../session/batches";
import { Session, type Command, type Identity, type SessionEvent } from "../session/session";
import { Codes } from "./codes";
import { Kits } from "./kits";
import { DownloadedFiles, type Downloader } from "./files";
import { ComputeFrame } from "./frame";
import { Slot } from "./slot";
import { MAX_KEEP_MB, unitMemory } from "./memory";
import { Teller, type ClientState, type Status } from "./status";
import { Route } from "./route";
import { slotsFor, Throttle } from "./throttle";
import { Wear } from "./wear";

export interface ClientOptions {
  base: string;
  /** Paths of the compute frame, the best first; both are tried. */
  computeUrls: readonly string[];
  site: string;
  /** Origin of the page around, as the browser tells it; empty = unknown. */
  origin: string;
  software: string;
  /** The task that is helped first; empty = any. */
  prefers: string;
  cores: number;
  percent: number;
  identity: Identity;
  /** Start a worker that downloads. */
  downloader(): Downloader;
  onStatus(status: Status): void;
  remember(identity: Identity): void;
  /** Every OWED_S: the results that no distributor has stored, for safe keeping. */
  keep(identity: Identity, owed: readonly { id: number; message: Results }[]): void;
}

const LANGUAGES = ["javascript", "wasm", "python"];
/** What people call a language that needs files. */
const WORDS: Record<string, string> = { python: "Python" };
const TICK_MS = 250;
const RETRY_CODE_S = 5;
const OWED_S = 2;
/** A run that ends within this time of a pause need not be broken off. */
const HALT_MS = 100;
const MAX_REST_MS = 60_000;

const seconds = (): number => performance.now() / 1000;

export class Client {
  private readonly session: Session;
  private readonly route: Route;
  private readonly frame: ComputeFrame;
  private readonly files: DownloadedFiles;
  private readonly codes: Codes;
  private readonly kits: Kits;
  private slots: Slot[] = [];
  private readonly wear = new Wear();
  private readonly throttle: Throttle;
  private readonly teller: Teller;
  /** Memory that one unit may use, in MiB; 0 = the browser does not tell how much there is. */
  private readonly unit_mb: number;
  /** How many of the slots may take runs. */
  private wanted = 1;
  private owedAt = 0;
  private isFrameReady = false;
  private isFrameAway = false;
  private isPaused = false;
  private fault: { state: ClientState; reason: string } | null = null;
  private reason = "";
  private units = 0;
  private spent = 0;
  private timer = 0;
  private restTimer = 0;
  private haltTimer = 0;

  constructor(private readonly options: ClientOptions) {
    this.files = new DownloadedFiles(options.downloader);
    this.codes = new Codes(this.files);
    this.kits = new Kits(this.files);
    this.throttle = new Throttle(options.cores, options.percent);
    this.teller = new Teller(options.onStatus);
    const cores = slotsFor(options.cores, options.percent);
    this.unit_mb = unitMemory((navigator as { deviceMemory?: number }).deviceMemory ?? 0, cores);
    const { site, origin, software, prefers } = options;
    this.session = new Session(
      { ...options.identity, kind: "web", languages: LANGUAGES, cores, memory_mb: this.unit_mb, site, origin, software, prefers },
      Math.random,
    );
    this.route = new Route(options.base, {
      event: (event) => {
        this.handle(event);
      },
      nearer: (url) => {
        if (this.fault === null && this.session.isUp) this.follow(this.session.goTo(url, "", seconds()));
      },
    });
    this.frame = new ComputeFrame(options.computeUrls, {
      ready: () => {
        this.isFrameReady = true;
        this.work();
      },
      lost: () => {
        this.isFrameReady = false;
        this.wear.renewed(false);
        for (const slot of this.slots) slot.loseFrame();
      },
      blocked: () => {
        this.stop({ state: "blocked", reason: "This page or browser does not let the computing frame start." });
      },
    });
  }

  start(): void {
    this.setShare(this.options.percent);
    this.frame.start();
    this.route.open();
    this.timer = window.setInterval(() => {
      this.tick();
    }, TICK_MS);
    this.tell();
  }

  setShare(percent: number): void {
    const slots = slotsFor(this.options.cores, percent);
    while (this.slots.length < slots) this.slots.push(this.newSlot());
    // A slot beyond the new number ends its run and gets no other.
    this.wanted = slots;
    this.throttle.handle({ type: "share", percent }, seconds());
    this.handle({ type: "slots", slots });
    this.work();
  }

  /** Compute no more: at once, or at the end of a run that ends in a moment. */
  pause(reason: string): void {
    this.isPaused = true;
    this.reason = reason;
    this.throttle.handle({ type: "pause" }, seconds());
    this.handle({ type: "pause" });
    clearTimeout(this.haltTimer);
    // Timers of pages that are not in front are late.
    if (document.hidden) return this.halt();
    this.haltTimer = window.setTimeout(() => {
      this.halt();
    }, HALT_MS);
  }

  resume(): void {
    clearTimeout(this.haltTimer);
    this.isPaused = false;
    this.reason = "";
    this.throttle.handle({ type: "resume" }, seconds());
    if (this.isFrameAway) this.frame.start();
    this.isFrameAway = false;
    this.handle({ type: "resume" });
  }

  /** Give everything back and go. */
  stop(fault: { state: ClientState; reason: string } = { state: "stopped", reason: "" }): void {
    clearInterval(this.timer);
    clearTimeout(this.restTimer);
    clearTimeout(this.haltTimer);
    this.handle({ type: "leave" });
    this.fault = fault;
    for (const slot of this.slots) slot.stop();
    this.slots = [];
    this.frame.stop();
    this.files.stop();
    this.route.close();
    this.tell();
  }

  /** End what runs. It goes back to the session, which gives it to a slot again, or to the distributor when the pause is long. */
  private halt(): void {
    const left = this.slots.map((slot) => slot.halt()).filter((run) => run !== null);
    for (const { token, indexes } of left) this.session.putBack(token, indexes);
    if (left.length > 0) this.takeFrameAway();
    this.account();
  }

  /** Chromium lets a busy worker go on for two seconds after it was ended; without its frame it ends at once. */
  private takeFrameAway(): void {
    this.isFrameReady = false;
    for (const slot of this.slots) slot.interrupt();
    this.frame.stop();
    this.wear.renewed(false);
    this.isFrameAway = true;
  }

  private newSlot(): Slot {
    return new Slot(
      this.frame,
      {
        report: (message) => {
          if (message.type === "done") this.count(message.seconds);
          this.handle({ type: "report", message });
        },
        free: () => {
          this.work();
        },
        worn: () => {
          this.wear.note(seconds());
        },
        mayPrepare: () => this.throttle.mayBegin(seconds(), this.promised),
      },
      this.unit_mb === 0 ? undefined : Math.min(MAX_KEEP_MB, this.unit_mb / 2),
    );
  }

  private count(times: readonly number[]): void {
    this.units += times.length;
    for (const time of times) this.spent += time;
  }

  private tick(): void {
    const now = seconds();
    if (this.isFrameReady) for (const slot of this.slots) slot.tick(now);
    this.renewWorn(now);
    this.handle({ type: "tick" });
    this.work();
    this.route.tick(now);
    if (now < this.owedAt) return;
    this.owedAt = now + OWED_S;
    this.options.keep(this.session.identity, this.session.owed);
  }

  /** Results that an earlier frame of the same client computed. */
  owe(identity: Identity, messages: readonly Results[]): void {
    this.handle({ type: "owed", identity, messages });
  }

  /** Tell the throttle how many slots take processor time. */
  private account(): void {
    const busy = this.slots.filter((slot) => slot.isComputing).length;
    this.throttle.handle({ type: "busy", slots: busy }, seconds());
  }

  /** Slots that were let begin, and wait for their code. */
  private get promised(): number {
    return this.slots.filter((slot) => slot.isBusy && !slot.isComputing).length;
  }

  private renewWorn(now: number): void {
    const isBusy = this.slots.some((slot) => slot.isBusy);
    if (!this.isFrameReady || !this.wear.isDue(now, isBusy)) return;
    this.wear.renewed(isBusy);
    this.isFrameReady = false;
    for (const slot of this.slots) slot.interrupt();
    this.frame.replace();
  }

  private work(): void {
    this.account();
    if (!this.isFrameReady || this.isPaused || this.fault !== null) return;
    const now = seconds();
    for (const slot of this.slots) if (this.mayStart(slot)) this.goOn(slot, now);
    for (const slot of this.slots.slice(0, this.wanted)) if (slot.isFree(now) && this.mayStart(slot)) this.give(slot);
    this.rest(now);
  }

  private goOn(slot: Slot, now: number): void {
    slot.resume(now);
    this.account();
  }

  /** Come back when the throttle lets the next run begin. */
  private rest(now: number): void {
    clearTimeout(this.restTimer);
    const wait = this.throttle.wait(now, this.promised);
    if (wait === null || wait === 0) return;
    this.restTimer = window.setTimeout(
      () => {
        this.work();
      },
      Math.min(wait * 1000 + 1, MAX_REST_MS),
    );
  }

  /** Not in a worn frame; and while runs are suspected of having ended one, they alone, one at a time. */
  private mayStart(slot: Slot): boolean {
    if (this.wear.isOn || !this.throttle.mayBegin(seconds(), this.promised)) return false;
    const suspect = this.slots.find((one) => one.isSuspect);
    return suspect === undefined || (slot === suspect && this.slots.every((one) => one === slot || !one.isBusy));
  }

  private give(slot: Slot): void {
    const run = this.session.take();
    const assign = run && this.session.assignOf(run.token);
    if (!run || !assign) return;
    slot.prepare();
    this.needed(assign.language, run.workunit).then(
      (bytes) => {
        // Some or all of it may have been cancelled in the meantime.
        const left = this.session.openPart(run);
        if (left === null) return slot.abandon(0);
        if (!this.mayBegin()) return this.takeBack(slot, left);
        slot.begin(left, { language: assign.language, bytes }, seconds());
        this.account();
        this.handle({ type: "tick" });
      },
      (error: unknown) => {
        this.reason = `What ${assign.task_name} needs cannot be had: ${textOf(error)}`;
        this.session.putBack(run.token, run.indexes);
        slot.abandon(seconds() + RETRY_CODE_S);
      },
    );
  }

  /** The code of a work unit, once the frame has what its language needs. */
  private async needed(language: string, workunit: string): Promise<Uint8Array> {
    const kit = await this.kits.get(this.route.current, language).catch((error: unknown) => {
      this.handle({ type: "lacks", language, reason: `No ${WORDS[language] ?? language} here for now: ${textOf(error)}` });
      throw error;
    });
    if (kit !== null) this.frame.keep(kit);
    return this.codes.get(this.route.current, workunit);
  }

  /** Whether a run may begin whose code has come: the frame may have gone in the meantime. */
  private mayBegin(): boolean {
    return this.isFrameReady && !this.isPaused && !this.wear.isOn && !this.slots.some((slot) => slot.isSuspect);
  }

  private takeBack(slot: Slot, { token, indexes }: Run): void {
    this.session.putBack(token, indexes);
    slot.abandon(0);
  }

  private handle(event: SessionEvent): void {
    this.follow(this.session.handle(event, seconds()));
  }

  private follow(commands: readonly Command[]): void {
    for (const command of commands) this.perform(command);
    this.tell();
  }

  private perform(command: Command): void {
    switch (command.type) {
      case "send":
        return this.route.send(command.message);
      case "ask":
        return void this.route.ask(command.message).then((message) => {
          this.handle({ type: "answered", id: command.id, message });
        });
      case "work":
        return this.work();
      case "stop":
        for (const slot of this.slots) slot.drop(command.tokens);
        return;
      case "stop-units":
        for (const slot of this.slots) slot.dropUnits(command.token, command.indexes);
        return;
      case "remember":
        return this.options.remember(command.identity);
      case "welcomed":
        return this.route.welcomed(command.siblings, seconds());
      case "reconnect":
        return this.reconnect(command);
      case "tell":
        this.reason = command.reason;
    }
  }

  private reconnect({ url, after_s, reason }: Extract<Command, { type: "reconnect" }>): void {
    this.reason = reason;
    if (after_s === null) return this.stop({ state: "blocked", reason });
    this.route.reconnect(url, after_s, seconds());
  }

  private reasonFor(state: ClientState): string {
    return this.session.trouble || (state === "running" ? "" : this.session.lack || this.reason);
  }

  private tell(): void {
    const running = this.fault === null ? this.session.running : [];
    const state = this.fault?.state ?? (this.isPaused ? "paused" : !this.session.isUp ? "connecting" : running.length > 0 ? "running" : "waiting");
    const status = {
      state,
      reason: this.fault?.reason ?? this.reasonFor(state),
      running: running.map(({ task_name, language, workunit }) => ({ name: task_name, language, workunit })),
      units: this.units,
      seconds: this.spent,
    };
    this.teller.note(status, seconds());
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
