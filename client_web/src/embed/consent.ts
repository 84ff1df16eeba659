/**
 * The consent frame: asks the visitor, then computes and shows that it does.
 *
 * Rule: only a trusted click on a Start button that the visitor can see starts anything, and until then the frame reads nothing of the
 * machine, stores nothing and connects to nothing. What it says to the page around it is in protocol/embed.ts.
 */

import { Client, type Status } from "../client/client";
import { DEFAULT_SHARE } from "../client/throttle";
import type { FromConsent, PublicState } from "../protocol/embed";
import { tellAnswer } from "./answer";
import { AutoPause } from "./autopause";
import { forgetIdentity, rememberIdentity, storedIdentity } from "./identity";
import { Sight } from "./sight";

/** Filled in by the build. */
declare const VERSION: string;
declare const DOWNLOADER_SOURCE: string;

const params = new URLSearchParams(location.hash.slice(1));
// Not every browser has ancestorOrigins; the loader sees to it that the referrer has the origin.
const ancestors = location.ancestorOrigins as DOMStringList | undefined;
const pageOrigin = ancestors?.[0] ?? (document.referrer ? new URL(document.referrer).origin : "*");
const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** Made when it is needed: nothing is, before the visitor's click. */
let downloaderUrl: string | undefined;

const say = (message: FromConsent): void => {
  window.parent.postMessage(message, pageOrigin);
};

/** Pixels around the card, for its shadow, and the width of the frame when a box is open. */
const MARGIN = 16;
const BOX_WIDTH = 360;

class Consent {
  private client: Client | null = null;
  private percent = DEFAULT_SHARE;
  private readonly pauses = new Set<string>();
  private readonly sight = new Sight(byId("start"));
  private readonly autoPause = new AutoPause((reason, isOn) => {
    this.setPause(reason, isOn);
  });
  private state: PublicState = "asked";

  start(): void {
    byId("who").textContent = pageOrigin === "*" ? "This page" : new URL(pageOrigin).host;
    byId("operator").textContent = location.host;
    const purpose = (params.get("purpose") ?? "").slice(0, 200);
    byId("purpose").textContent = purpose === "" ? "research tasks that need many computers" : purpose;
    this.listen();
    new ResizeObserver(() => {
      this.tellSize();
    }).observe(byId("card"));
    this.show("ask");
  }

  private listen(): void {
    byId("start").addEventListener("click", (event) => {
      this.granted(event);
    });
    byId("no").addEventListener("click", () => {
      tellAnswer("declined", pageOrigin);
      say({ disio: "consent", answer: "declined" });
    });
    byId("badge").addEventListener("click", () => {
      this.show(byId("panel").hidden ? "panel" : "badge");
    });
    byId("shrink").addEventListener("click", () => {
      this.show("badge");
    });
    byId("pause").addEventListener("click", () => {
      this.setPause("visitor", !this.pauses.has("visitor"));
    });
    byId("stop").addEventListener("click", () => {
      this.revoke();
    });
    for (const input of document.querySelectorAll<HTMLInputElement>("input[type=radio]")) {
      input.addEventListener("change", () => {
        this.choose(Number(input.value));
      });
    }
    addEventListener("message", (event: MessageEvent<{ disio?: string }>) => {
      if (event.source === window.parent) this.asked(event.data.disio);
    });
    addEventListener("pagehide", () => {
      this.client?.stop();
    });
  }

  /** What the page around may ask for. */
  private asked(verb: string | undefined): void {
    if (verb === "pause") this.setPause("page", true);
    else if (verb === "resume") this.setPause("page", false);
    else if (verb === "revoke") this.revoke();
    else if (verb === "open") this.show(this.client === null ? "ask" : "panel");
  }

  private granted(event: Event): void {
    // A script's click is not trusted; a covered or faded button was not the visitor's to judge.
    if (!event.isTrusted || this.client !== null) return;
    if (!this.sight.isClear) {
      byId("notice").textContent = "Something seems to cover this box. Please click again when all of it can be seen.";
      return;
    }
    this.sight.stop();
    this.client = new Client({
      base: location.origin,
      computeUrl: "/embed/compute",
      site: (params.get("site") ?? "").slice(0, 200),
      origin: pageOrigin === "*" ? "" : pageOrigin.slice(0, 200),
      software: `disio-web ${VERSION}`,
      cores: navigator.hardwareConcurrency || 1,
      percent: this.percent,
      identity: storedIdentity(),
      downloader: () => new Worker((downloaderUrl ??= URL.createObjectURL(new Blob([DOWNLOADER_SOURCE], { type: "text/javascript" })))),
      remember: rememberIdentity,
      onStatus: (status) => {
        this.update(status);
      },
    });
    tellAnswer("granted", pageOrigin);
    say({ disio: "consent", answer: "granted" });
    this.client.start();
    this.autoPause.start();
    this.show("badge");
  }

  private choose(percent: number): void {
    this.percent = percent;
    for (const input of document.querySelectorAll<HTMLInputElement>("input[type=radio]")) input.checked = Number(input.value) === percent;
    this.client?.setShare(percent);
  }

  private setPause(reason: string, isOn: boolean): void {
    if (isOn) this.pauses.add(reason);
    else this.pauses.delete(reason);
    if (this.client === null) return;
    const [first] = this.pauses;
    if (first === undefined) this.client.resume();
    else this.client.pause(PAUSE_REASONS[first] ?? "Paused.");
  }

  private revoke(): void {
    this.client?.stop();
    this.client = null;
    this.autoPause.stop();
    forgetIdentity();
    tellAnswer("revoked", pageOrigin);
    say({ disio: "status", state: "revoked", reason: "", stats: { units: 0, seconds: 0, tasks: [], percent: 0 } });
    say({ disio: "consent", answer: "revoked" });
  }

  private update(status: Status): void {
    this.state = PUBLIC[status.state];
    const task = status.tasks[0];
    const doing = { running: `Helping: ${task ?? ""}`, waiting: "Waiting for work", connecting: "Connecting", paused: "Paused", blocked: "Not possible here", stopped: "Stopped" };
    document.documentElement.dataset["state"] = status.state;
    setText("doing", doing[status.state]);
    setText("share", `${this.percent} %`);
    setText("reason", status.reason);
    setText("tasks", status.tasks.length === 0 ? "nothing right now" : status.tasks.join(", "));
    setText("units", status.units.toLocaleString());
    setText("seconds", status.seconds < 100 ? status.seconds.toFixed(1) : Math.round(status.seconds).toLocaleString());
    setText("pause", this.pauses.has("visitor") ? "Resume" : "Pause");
    const { units, seconds, tasks } = status;
    say({ disio: "status", state: this.state, reason: status.reason, stats: { units, seconds, tasks, percent: this.percent } });
  }

  private show(part: "ask" | "badge" | "panel"): void {
    byId("ask").hidden = part !== "ask";
    byId("badge").hidden = part === "ask";
    byId("panel").hidden = part !== "panel";
    byId("badge").setAttribute("aria-expanded", String(part === "panel"));
    byId(part === "ask" ? "share-ask" : "share-panel").append(byId("shares"));
    this.tellSize();
  }

  private tellSize(): void {
    const card = byId("card").getBoundingClientRect();
    // The badge is as wide as its words; the boxes fill the frame, which the loader keeps within the window.
    const isBadge = byId("ask").hidden && byId("panel").hidden;
    say({ disio: "size", width: isBadge ? Math.ceil(card.width) + MARGIN : BOX_WIDTH, height: Math.ceil(card.height) + MARGIN });
  }
}

const PUBLIC: Record<Status["state"], PublicState> = {
  connecting: "running",
  running: "running",
  waiting: "running",
  paused: "paused",
  blocked: "blocked",
  stopped: "idle",
};

const PAUSE_REASONS: Record<string, string> = {
  visitor: "Paused by you.",
  page: "Paused by the page.",
  hidden: "Paused while this page is not in front.",
  battery: "Paused while the computer runs on battery.",
  data: "Paused because this browser saves data.",
};

/** Written only when it changed, so that screen readers say it once. */
function setText(id: string, text: string): void {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

new Consent().start();
