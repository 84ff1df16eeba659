/**
 * Trials: units run in a browser's sandbox for whoever writes them, before they are submitted (`disio test`, and the dashboard's form).
 *
 * Rule: frame, slot and engine are the very ones of volunteers; only where work comes from differs.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { ComputeFrame } from "../client/frame";
import { Slot, type SlotEvents } from "../client/slot";
import type { FailureKind } from "../protocol/engine";
import { DEFAULT_TERMS, type Terms } from "../protocol/messages";
import { fromBase64, toBase64 } from "./base64";

/** What to run. Bytes are base64; payloads and states are in wire form. */
export interface TrialSpec {
  language: string;
  code: string;
  /** Files that the language needs, name to URL; null when it needs none. */
  kit: Record<string, string> | null;
  /** Runs of one task and code share a realm, as those of a volunteer do. */
  task: string;
  indexes: number[];
  payloads: string[];
  /** By index. */
  states: Record<string, string>;
  unit_timeout_s: number;
  memory_mb: number;
  terms: Partial<Terms>;
}

export interface TrialResult {
  index: number;
  kind: "ok" | FailureKind;
  /** In wire form, or null when the unit failed. */
  value: string | null;
  error: string;
  /** As the engine measured it; null when the unit failed. */
  seconds: number | null;
  logs: string[];
  progress: number[];
  states: string[];
}

export interface TrialAnswer {
  results: TrialResult[];
  /** The browser. */
  engine: string;
}

type Report = Parameters<SlotEvents["report"]>[0];

const TICK_MS = 250;
const BLOCKED = "this browser does not let the computing frame start";

const seconds = (): number => performance.now() / 1000;

/** One run: what its units said, until each has answered. */
class Job {
  readonly results: TrialResult[];
  private readonly open: Set<number>;

  constructor(
    readonly token: string,
    spec: TrialSpec,
    readonly resolve: (results: TrialResult[]) => void,
    readonly reject: (error: Error) => void,
  ) {
    this.results = spec.indexes.map((index) => ({
      index, kind: "crash", value: null, error: "", seconds: null, logs: [], progress: [], states: [],
    }));
    this.open = new Set(spec.indexes);
  }

  get isAnswered(): boolean {
    return this.open.size === 0;
  }

  hear(message: Report): void {
    if (message.type === "done" || message.type === "failed") {
      message.indexes.forEach((index, at) => {
        const answer: Partial<TrialResult> =
          message.type === "done"
            ? { kind: "ok", value: toBase64(message.values[at] as Uint8Array), seconds: message.seconds[at] ?? null }
            : { kind: message.kinds[at] ?? "crash", error: message.errors[at] ?? "" };
        Object.assign(this.of(index) ?? {}, answer);
        this.open.delete(index);
      });
      return;
    }
    const result = this.of(message.index);
    if (message.type === "log") result?.logs.push(message.text);
    else if (message.type === "progress") result?.progress.push(message.fraction);
    else result?.states.push(toBase64(message.state));
  }

  /** What has no answer runs again from its start: what it said so far does not count. */
  startOver(): void {
    for (const result of this.results) if (this.open.has(result.index)) Object.assign(result, { logs: [], progress: [], states: [] });
  }

  private of(index: number): TrialResult | undefined {
    return this.results.find((result) => result.index === index);
  }
}

export class Trial {
  private readonly slot: Slot;
  private readonly frame: ComputeFrame;
  private isUp = false;
  /** The frame goes as soon as nothing runs in it, as at a volunteer's. */
  private isWorn = false;
  private isBlocked = false;
  /** The run that waits for the frame; runs wait for each other before. */
  private waiting: { resolve(): void; reject(error: Error): void } | null = null;
  private job: Job | null = null;
  private tail: Promise<unknown> = Promise.resolve();
  private readonly kits = new Map<string, string>();
  private runs = 0;
  private readonly timer: number;

  /**
   * @param computeUrl where the compute frame's page is
   * @param fetched gets one file of a kit
   */
  constructor(
    computeUrl = "/embed/compute",
    private readonly fetched: (url: string, file: string, language: string) => Promise<Blob> = fetchFile,
  ) {
    this.frame = new ComputeFrame([computeUrl], {
      ready: () => {
        this.isUp = true;
        this.waiting?.resolve();
      },
      lost: () => {
        this.isUp = this.isWorn = false;
        this.job?.startOver();
        this.slot.loseFrame();
      },
      blocked: () => {
        this.isBlocked = true;
        (this.job ?? this.waiting)?.reject(new Error(BLOCKED));
      },
    });
    const events: SlotEvents = {
      report: (message) => {
        if (message.token === this.job?.token) this.job.hear(message);
      },
      free: () => {
        if (this.job?.isAnswered === true) this.job.resolve(this.job.results);
      },
      worn: () => {
        this.isWorn = true;
        this.job?.startOver();
      },
      mayPrepare: () => true,
    };
    this.slot = new Slot(this.frame, events);
    this.frame.start();
    this.timer = window.setInterval(() => {
      this.tick();
    }, TICK_MS);
  }

  /** End what runs, with the frame and its workers; nothing can be run after it. */
  stop(): void {
    clearInterval(this.timer);
    this.slot.stop();
    this.frame.stop();
    const stopped = new Error("the run was stopped");
    this.job?.reject(stopped);
    this.waiting?.reject(stopped);
  }

  private tick(): void {
    if (!this.isUp) return;
    this.slot.tick(seconds());
    if (this.isWorn && !this.slot.isBusy) this.renew();
    else this.slot.resume(seconds());
  }

  private renew(): void {
    this.isUp = this.isWorn = false;
    this.slot.interrupt();
    this.frame.replace();
  }

  /**
   * Run these units, after those of earlier calls. Rejects when no unit could be run at all; a unit that fails is a result.
   */
  run(spec: TrialSpec): Promise<TrialAnswer> {
    const answer = this.tail.then(() => this.runNow(spec));
    this.tail = answer.catch(() => undefined);
    return answer;
  }

  private async runNow(spec: TrialSpec): Promise<TrialAnswer> {
    await this.keepKit(spec);
    if (this.isWorn) this.renew();
    await this.whenUp();
    const bytes = fromBase64(spec.code);
    const results = await new Promise<TrialResult[]>((resolve, reject) => {
      this.job = new Job(`trial-${++this.runs}`, spec, resolve, reject);
      const run = {
        token: this.job.token,
        task: spec.task,
        workunit: bytesToHex(sha256(bytes)),
        indexes: spec.indexes,
        payloads: spec.payloads.map(fromBase64),
        states: Object.fromEntries(Object.entries(spec.states).map(([index, state]) => [index, fromBase64(state)])),
        unit_timeout_s: spec.unit_timeout_s,
        memory_mb: spec.memory_mb,
        terms: { ...DEFAULT_TERMS, ...spec.terms },
      };
      this.slot.begin(run, { language: spec.language, bytes }, seconds());
    });
    this.job = null;
    return { results, engine: navigator.userAgent };
  }

  /** Resolves when the frame can start workers. */
  private whenUp(): Promise<void> {
    if (this.isUp) return Promise.resolve();
    if (this.isBlocked) return Promise.reject(new Error(BLOCKED));
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  /** Fetch what a language needs, and hand it to the frame, once. */
  private async keepKit({ language, kit }: TrialSpec): Promise<void> {
    const name = JSON.stringify(kit);
    if (kit === null || this.kits.get(language) === name) return;
    const fetched = Object.entries(kit).map(async ([file, url]): Promise<[string, Blob]> => {
      return [file, await this.fetched(url, file, language)];
    });
    const files = Object.fromEntries(await Promise.all(fetched));
    this.frame.keep({ type: "kit", language, files });
    this.kits.set(language, name);
  }
}

async function fetchFile(url: string, file: string, language: string): Promise<Blob> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${file}, which ${language} needs, cannot be had: HTTP ${answer.status}`);
  return answer.blob();
}
