/**
 * The loader, `/client.js`: a button on the embedding page, the frame behind it, and `window.disio`.
 *
 * Rule: tiny, and harmless. Before the visitor clicks (or the page calls open()) it requests and stores nothing. It cannot start any
 * computing: that takes a click inside the consent frame, which no page script can make. It watches the page's long tasks after consent
 * alone, and keeps one thing of its own: that a visitor said no.
 */

import type { FromConsent, PublicState, Stats, ToConsent } from "../protocol/embed";

type Listener = (detail: unknown) => void;

/** When a visitor said no on this page's origin; for 30 days nothing is offered again unless the visitor clicks for it. */
const NO_KEY = "disio.no";
const SILENT_MS = 30 * 24 * 3600 * 1000;
/** A frame that does not speak within this time was not let in; once something has loaded in its place, it speaks soon. */
const SPEAKS_MS = 15_000;
const LOADED_MS = 5_000;
/** By what `disio:blocked` says. */
const WHY: Record<string, string> = {
  csp: "This page's policy does not let the box in.",
  load: "The box did not load: something in this browser keeps it out, or the distributor is away.",
};
const LABELS: Record<string, string> = { de: "Rechenzeit spenden" };

function install(tag: HTMLScriptElement): void {
  const widget = new Widget(tag, new URL(tag.src).origin);
  const api = {
    open: () => {
      widget.open();
    },
    close: () => {
      widget.shut();
    },
    pause: (ms?: number) => {
      widget.tell(ms === undefined ? { disio: "pause" } : { disio: "pause", ms });
    },
    resume: () => {
      widget.tell({ disio: "resume" });
    },
    revoke: () => {
      widget.tell({ disio: "revoke" });
    },
    get state() {
      return widget.state;
    },
    get reason() {
      return widget.reason;
    },
    get stats() {
      return { ...widget.stats };
    },
    /** Call `listener` for "state", "consent", "stats", "unit", "blocked" and "error"; returns a function that ends it. */
    on: (type: string, listener: Listener) => widget.on(type, listener),
  };
  Object.defineProperty(window, "disio", { value: Object.freeze(api), enumerable: true });
  const begin = (): void => {
    widget.begin();
  };
  // An async script may run before the body is there.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
}

class Widget {
  state: PublicState = "idle";
  reason = "";
  stats: Stats = { units: 0, seconds: 0, tasks: [], percent: 0 };
  private readonly listeners: Record<string, Listener[]> = {};
  private frame: HTMLIFrameElement | null = null;
  private button: HTMLElement | null = null;
  private watch: PerformanceObserver | undefined;
  private timer = 0;
  private hasSpoken = false;
  /** Where the page wants the widget in its text; else it is fixed to a corner. */
  private inline: HTMLElement | null = null;

  private readonly data: DOMStringMap;

  constructor(
    private readonly tag: HTMLElement,
    private readonly base: string,
  ) {
    this.data = tag.dataset;
    addEventListener("message", (event: MessageEvent<FromConsent>) => {
      if (this.frame !== null && event.source === this.frame.contentWindow && event.origin === base) this.hear(event.data);
    });
    document.addEventListener("securitypolicyviolation", (event) => {
      if (this.frame !== null && event.blockedURI.startsWith(base)) this.block("csp");
    });
  }

  begin(): void {
    if (this.data["widget"] !== "corner") this.inline = document.querySelector("disio-widget");
    // A tag in the head has no place in the text.
    if (this.data["widget"] === "inline" && this.inline === null && document.body.contains(this.tag)) {
      this.inline = document.createElement("span");
      this.tag.after(this.inline);
    }
    if (this.data["widget"] !== "none" && !isSilent()) {
      const host = document.createElement("div");
      this.place(host);
      const face = faceOf(this.data);
      face.onclick = () => {
        this.open();
      };
      host.attachShadow({ mode: "closed" }).append(face);
      this.button = host;
    }
    this.emit("ready", null);
  }

  on(type: string, listener: Listener): () => void {
    const list = (this.listeners[type] ??= []);
    list.push(listener);
    return () => {
      this.listeners[type] = list.filter((one) => one !== listener);
    };
  }

  tell(message: ToConsent): void {
    this.frame?.contentWindow?.postMessage(message, this.base);
  }

  open(): void {
    // After a no, only a click of the visitor's opens it again.
    if (isSilent() && !(navigator as { userActivation?: UserActivation }).userActivation?.isActive) return;
    if (this.frame !== null) return this.tell({ disio: "open" });
    const frame = document.createElement("iframe");
    frame.title = "disio";
    frame.referrerPolicy = "origin";
    frame.allow = "compute-pressure";
    frame.src = `${this.base}/embed/consent#${wishes(this.data, this.inline)}`;
    this.frame = frame;
    this.place(frame);
    frame.style.cssText += "border:0;width:360px;height:420px;max-width:calc(100vw - 32px);max-height:calc(100vh - 32px)";
    if (this.button) this.button.style.display = "none";
    const expect = (ms: number): void => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => {
        this.block("load");
      }, ms);
    };
    expect(SPEAKS_MS);
    // An error page, of an ad-blocker or a network, loads too, and says nothing.
    frame.onload = () => {
      if (this.state === "asked" && !this.hasSpoken) expect(LOADED_MS);
    };
    this.setState("asked");
  }

  /** Before consent the box goes; afterwards it becomes the badge, which stays as long as something is computed. */
  shut(): void {
    if (this.state !== "asked") return this.tell({ disio: "close" });
    this.remove();
    this.setState("idle");
    if (this.button) this.button.style.display = "";
  }

  private emit(type: string, detail: unknown): void {
    for (const listener of this.listeners[type] ?? []) listener(detail);
    document.dispatchEvent(new CustomEvent(`disio:${type}`, { detail }));
  }

  private setState(to: PublicState, reason = ""): void {
    const from = this.state;
    this.reason = reason;
    this.state = to;
    if (to !== from) this.emit("state", { from, to, reason });
  }

  private place(element: HTMLElement): void {
    element.style.cssText = look(this.data, this.inline !== null);
    (this.inline ?? document.body).append(element);
  }

  /** Take the frame away; what computes ends with it. */
  private remove(): void {
    clearTimeout(this.timer);
    this.watch?.disconnect();
    this.frame?.remove();
    this.frame = null;
    this.hasSpoken = false;
  }

  private block(why: string): void {
    this.remove();
    this.setState("blocked", WHY[why]);
    this.emit("blocked", why);
    this.emit("error", WHY[why]);
    // Whoever lets it in may click again.
    if (this.button) this.button.style.display = "";
  }

  private hear(message: FromConsent): void {
    clearTimeout(this.timer);
    this.hasSpoken = true;
    if (message.disio === "size") Object.assign((this.frame as HTMLElement).style, { width: `${message.width}px`, height: `${message.height}px` });
    else if (message.disio === "consent") this.answered(message.answer);
    else this.note(message.state, message.reason, message.stats);
  }

  private note(state: PublicState, reason: string, stats: Stats): void {
    const { units } = this.stats;
    const isNews = state === "blocked" && this.state !== state;
    this.stats = stats;
    this.emit("stats", stats);
    if (stats.units > units) this.emit("unit", { units: stats.units });
    this.setState(state, reason);
    if (!isNews) return;
    this.emit("blocked", "unsupported");
    this.emit("error", reason);
  }

  private answered(answer: "granted" | "declined" | "revoked"): void {
    if (answer === "granted") {
      this.watch = longTasks((ms) => {
        this.tell({ disio: "longtask", ms });
      });
    } else {
      this.remove();
    }
    if (answer === "declined") {
      keepSilent();
      this.setState("idle");
    }
    this.emit("consent", answer);
  }
}

function isSilent(): boolean {
  try {
    return Date.now() - Number(localStorage.getItem(NO_KEY) ?? 0) < SILENT_MS;
  } catch {
    return false;
  }
}

function keepSilent(): void {
  try {
    localStorage.setItem(NO_KEY, String(Date.now()));
  } catch {
    // Refused: it holds as long as the page is open.
  }
}

/** Through the object model, here and below: a page's policy may forbid style attributes and elements. */
function look({ position = "", theme = "" }: DOMStringMap, isInText: boolean): string {
  const [y, x] = position.split("-");
  const corner = `position:fixed;z-index:2147483646;${y === "top" ? y : "bottom"}:16px;${x === "left" ? x : "right"}:16px`;
  return `all:initial;color-scheme:${/^(light|dark)$/.test(theme) ? theme : "light dark"};${isInText ? "display:inline-block" : corner};`;
}

/** What the page wishes, for the consent frame to judge. */
function wishes(data: DOMStringMap, inline: HTMLElement | null): string {
  const wished = {
    site: data["site"],
    purpose: inline?.getAttribute("purpose") ?? data["purpose"],
    lang: data["lang"],
    theme: data["theme"],
    remember: data["remember"],
    cpu: data["maxCpu"],
    workers: data["maxWorkers"],
    place: inline ? "text" : "",
  };
  return new URLSearchParams(Object.entries(wished).map(([name, text]) => [name, text ?? ""])).toString();
}

function faceOf({ label, lang }: DOMStringMap): HTMLButtonElement {
  const face = document.createElement("button");
  face.type = "button";
  face.textContent = label ?? LABELS[(lang ?? navigator.language).slice(0, 2)] ?? "Lend computing time";
  face.style.cssText =
    "all:initial;font:500 14px/1.2 system-ui,sans-serif;padding:14px 18px;border-radius:999px;cursor:pointer;background:light-dark(#fff,#1d2530);color:light-dark(#14202e,#e8eef6);border:1px solid light-dark(#8792a1,#68778a);box-shadow:0 2px 8px #0003";
  face.onfocus = () => (face.style.outline = "2px solid #2f6fed");
  face.onblur = () => (face.style.outline = "");
  return face;
}

function longTasks(tell: (ms: number) => void): PerformanceObserver | undefined {
  try {
    const watch = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tell(duration);
    });
    watch.observe({ type: "longtask" });
    return watch;
  } catch {
    // This browser does not tell.
    return undefined;
  }
}

const script = document.currentScript as HTMLScriptElement | null;
if (script !== null && !("disio" in window)) install(script);
