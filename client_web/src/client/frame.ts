/**
 * The compute frame seen from the consent frame: a sandboxed page that does nothing but start and end workers.
 *
 * Rule: a frame whose process is gone, or that does not answer in time, is thrown away with all its workers and made anew. No event tells of
 * that: it is looked at.
 */

import type { Realm, RealmEvents, Realms } from "../engine/engine";
import type { FromRealm, KitMessage, RealmSpec } from "../protocol/engine";
import type { FromBoot, ToBoot } from "../protocol/boot";

const START_MS = 10_000;
const PING_MS = 1_000;
const DEAD_MS = 6_000;
/** A look that comes so much too late says that the computer is busy, and nothing about the frame. */
const LATE_MS = 2_000;
/** Frames that never started, in a row, before the browser is taken to forbid them. */
const MAX_STARTS = 3;
/** From the end of a frame to the next one. Browsers take long for both; not in one turn, since the embedding page may share the thread. */
const AGAIN_MS = 50;

export interface FrameEvents {
  ready(): void;
  /** The frame is gone; its workers are. A new one is on its way. */
  lost(): void;
  /** It cannot be started here. */
  blocked(): void;
}

export class ComputeFrame implements Realms {
  private iframe: HTMLIFrameElement | null = null;
  private port: MessagePort | null = null;
  private isReady = false;
  /** The frame within it was seen. */
  private wasWhole = false;
  private failures = 0;
  private heardAt = 0;
  private lookedAt = 0;
  private timer = 0;
  private startTimer = 0;
  private readonly realms = new Map<number, RealmEvents>();
  private readonly kits = new Map<string, KitMessage>();
  private nextWorker = 1;

  constructor(
    private readonly urls: readonly string[],
    private readonly events: FrameEvents,
  ) {}

  start(): void {
    const iframe = document.createElement("iframe");
    iframe.setAttribute("sandbox", "allow-scripts");
    iframe.hidden = true;
    iframe.title = "disio compute";
    iframe.src = this.urls[this.failures % this.urls.length] as string;
    iframe.onload = () => {
      this.connect(iframe);
    };
    this.iframe = iframe;
    this.heardAt = performance.now();
    document.body.append(iframe);
    this.timer = window.setInterval(() => {
      this.check();
    }, PING_MS / 2);
  }

  stop(): void {
    clearTimeout(this.startTimer);
    this.discard();
  }

  /** Make the frame anew, and give back what its process holds; its workers end. `ready` follows. */
  replace(): void {
    this.discard();
    this.startSoon();
  }

  /** Hand a language's files to the frame, and to each one that follows it. */
  keep(kit: KitMessage): void {
    this.kits.set(kit.language, kit);
    this.port?.postMessage(kit satisfies ToBoot);
  }

  spawn(spec: RealmSpec, events: RealmEvents): Realm {
    const worker = this.nextWorker++;
    const channel = new MessageChannel();
    channel.port1.onmessage = (event: MessageEvent<FromRealm>) => {
      events.message(event.data);
    };
    this.realms.set(worker, events);
    this.port?.postMessage({ type: "spawn", worker, spec } satisfies ToBoot, [channel.port2]);
    return {
      post: (message) => {
        channel.port1.postMessage(message);
      },
      terminate: () => {
        channel.port1.close();
        this.realms.delete(worker);
        this.port?.postMessage({ type: "end", worker } satisfies ToBoot);
      },
    };
  }

  private connect(iframe: HTMLIFrameElement): void {
    const channel = new MessageChannel();
    channel.port1.onmessage = (event: MessageEvent<FromBoot>) => {
      this.hear(event.data);
    };
    this.port = channel.port1;
    // Its origin is opaque, so no other target origin can be named; the element is ours and so is the page in it.
    iframe.contentWindow?.postMessage("init", "*", [channel.port2]);
    for (const kit of this.kits.values()) this.port.postMessage(kit satisfies ToBoot);
  }

  private hear(message: FromBoot): void {
    this.heardAt = performance.now();
    // Not at the next look: its process may be gone by then.
    this.wasWhole ||= this.framesWithin > 0;
    if (message.type === "ready") {
      this.isReady = true;
      this.failures = 0;
      this.events.ready();
    } else if (message.type === "died") {
      this.realms.get(message.worker)?.death(message.reason);
    }
  }

  private check(): void {
    if (this.isReady && this.isHollow()) return this.renew();
    const now = performance.now();
    const isLate = now - this.lookedAt > PING_MS + LATE_MS;
    this.lookedAt = now;
    // Timers of hidden pages are late, and so would be every verdict on them.
    if (document.hidden || isLate) this.heardAt = now;
    const silent = now - this.heardAt;
    if (silent > (this.isReady ? DEAD_MS : START_MS)) return this.renew();
    if (this.isReady && silent > PING_MS) this.port?.postMessage({ type: "ping" } satisfies ToBoot);
  }

  /**
   * Whether its process is gone: the browser then takes down what was within the frame (see embed/compute.ts), and leaves the frame as it is.
   * Tried in Chromium; where it is not so, the frame's silence tells.
   */
  private isHollow(): boolean {
    return this.wasWhole && this.framesWithin === 0;
  }

  private get framesWithin(): number {
    return this.iframe?.contentWindow?.length ?? 0;
  }

  private renew(): void {
    if (!this.isReady) this.failures += 1;
    this.discard();
    if (this.failures >= MAX_STARTS) return this.events.blocked();
    this.events.lost();
    this.startSoon();
  }

  private startSoon(): void {
    clearTimeout(this.startTimer);
    this.startTimer = window.setTimeout(() => {
      this.start();
    }, AGAIN_MS);
  }

  private discard(): void {
    clearInterval(this.timer);
    this.port?.close();
    this.port = null;
    this.iframe?.remove();
    this.iframe = null;
    this.isReady = this.wasWhole = false;
    this.realms.clear();
  }
}
