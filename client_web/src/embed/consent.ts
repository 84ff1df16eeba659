/**
 * The consent frame, and the page `/help`: asks the visitor, then computes and shows that it does.
 *
 * Rule: only a trusted click on a Start button that the visitor can see starts anything, and until then the frame reads nothing of the
 * machine and connects to nothing. What it says to the page around it is in protocol/embed.ts.
 */

import type { Client } from "../client/client";
import type { Status } from "../client/status";
import { DEFAULT_SHARE, SHARES } from "../client/throttle";
import type { FromConsent, PublicState, ToConsent } from "../protocol/embed";
import { tellAnswer } from "./answer";
import { forgetChoices, rememberChoices, storedChoices } from "./choices";
import { fetchFacts, type Facts } from "./facts";
import { forgetIdentity, rememberIdentity, storedIdentity } from "./identity";
import { isSmall } from "./machine";
import { Owed } from "./owed";
import { Pausing } from "./pausing";
import type { Reason } from "./pauses";
import { Sight } from "./sight";
import { byId, inputs, tick, View, type Part } from "./view";
import { Wished } from "./wished";
import { languageOf, Words, type Key } from "./words";

/** Filled in by the build. */
declare const VERSION: string;
declare const DOWNLOADER_SOURCE: string;
/** Of the compute frame that was built with this page: it is kept for good, so that it can be made anew while the distributor is away. */
declare const COMPUTE_PATH: string;

const params = new URLSearchParams(location.hash.slice(1));
const param = (name: string): string => (params.get(name) ?? "").slice(0, 200);
/** `/help`: nobody is around. */
const isPage = window.parent === window;
// Not every browser has ancestorOrigins; the loader sees to it that the referrer has the origin.
const ancestors = location.ancestorOrigins as DOMStringList | undefined;
const pageOrigin = isPage ? location.origin : (ancestors?.[0] ?? (document.referrer ? new URL(document.referrer).origin : "*"));
const ceiling = Math.max(SHARES[0], Number(param("cpu")) || SHARES[3]);
/** One computing tab asks again after so long. */
const LIMIT_MS = 2 * 3600 * 1000;

/** Made when it is needed: nothing is, before the visitor's click. */
let downloaderUrl: string | undefined;

const say = (message: FromConsent): void => {
  if (!isPage) window.parent.postMessage(message, pageOrigin);
};

/** Pixels around the card, for its shadow, and the width of the frame when a box is open. */
const MARGIN = 16;
const BOX_WIDTH = 360;

class Consent {
  private client: Client | null = null;
  private owed: Owed | null = null;
  private pausing: Pausing | null = null;
  private readonly words = new Words(languageOf([param("lang"), ...navigator.languages]));
  private readonly view = new View(this.words, () => location.origin);
  private readonly wished = new Wished(this.words);
  private readonly choices = storedChoices(Date.now());
  private percent: number = SHARES.find((share) => share === this.choices.percent && share <= ceiling) ?? SHARES.findLast((share) => share <= Math.min(ceiling, DEFAULT_SHARE)) ?? SHARES[0];
  private readonly sights: Record<"start" | "second-start", Sight>;
  private status: Status = { state: "connecting", reason: "", running: [], units: 0, seconds: 0 };
  private reason: Reason | null = null;
  private limit = 0;

  constructor() {
    this.view.dress(param("theme"), isPage);
    this.view.layStops(SHARES, this.percent, ceiling, (percent) => {
      this.choose(percent);
    });
    this.sights = { start: new Sight(byId("start"), true), "second-start": new Sight(byId("second-start"), false) };
  }

  start(): void {
    const host = pageOrigin === "*" ? this.words.of("this_page") : new URL(pageOrigin).host;
    this.view.write("asks", this.words.of("asks", { who: host, purpose: param("purpose") || this.words.of("some_purpose") }));
    this.view.write("operator", this.words.of("work_from", { host: location.host }));
    this.view.write("whom", location.host);
    byId("remember-row").hidden = !isPage && param("remember") !== "30d";
    tick("remember").checked = this.choices.percent !== undefined;
    tick("allow-hidden").checked = this.choices.hidden === true;
    tick("allow-battery").checked = this.choices.battery === true;
    this.listen();
    new ResizeObserver(() => {
      this.tellSize();
    }).observe(byId("card"));
    this.show("ask");
    if (isPage) void this.wished.look();
    void fetchFacts().then((facts) => {
      this.introduce(facts);
    });
  }

  private introduce({ operator, purpose, contact, tasks_url }: Facts): void {
    if (operator !== "") {
      this.view.write("operator", this.words.of("work_from_operator", { host: location.host, operator }));
      this.view.write("whom", operator);
    }
    if (purpose !== "" || contact !== "") this.view.write("about", this.words.of("about_operator", { purpose: purpose || "-", contact: contact || "-" }));
    byId("public").hidden = tasks_url === "";
    if (tasks_url !== "") byId("tasks-link").setAttribute("href", tasks_url);
  }

  private listen(): void {
    const on = (id: string, act: (event: Event) => void): void => {
      byId(id).addEventListener("click", act);
    };
    on("start", (event) => {
      if (this.isMeant(event, "start")) this.accepted();
    });
    on("second-start", (event) => {
      if (this.isMeant(event, "second-start")) this.granted();
    });
    for (const id of ["no", "second-no"]) on(id, () => {
      this.decline();
    });
    on("badge", () => {
      this.show(this.view.part === "panel" ? "badge" : "panel");
    });
    on("shrink", () => {
      this.show("badge");
      byId("badge").focus();
    });
    on("pause", () => {
      this.pausing?.visitor(!this.pausing.isByVisitor);
      this.draw();
    });
    on("hour", () => {
      this.pausing?.hour();
    });
    on("stop", () => {
      this.revoke();
    });
    for (const cause of ["hidden", "battery"] as const) {
      byId(`allow-${cause}`).addEventListener("change", () => {
        this.pausing?.allow(cause, tick(`allow-${cause}`).checked);
        this.keepChoices();
      });
    }
    addEventListener("message", (event: MessageEvent<ToConsent>) => {
      if (event.source === window.parent && !isPage) this.asked(event.data);
    });
    addEventListener("pagehide", () => {
      this.client?.stop();
    });
  }

  /** What the page around may ask for. */
  private asked(message: ToConsent): void {
    switch (message.disio) {
      case "pause":
        return this.pausing?.page(true, message.ms);
      case "resume":
        return this.pausing?.page(false);
      case "revoke":
        return this.revoke();
      case "open":
        return this.show(this.client === null ? "ask" : "panel");
      case "close":
        return this.client === null ? undefined : this.show("badge");
      case "longtask":
        return this.pausing?.longTask(message.ms);
    }
  }

  /** A script's click is not trusted; a button that was covered, faded or not there a moment ago was not the visitor's to judge. */
  private isMeant(event: Event, button: "start" | "second-start"): boolean {
    if (!event.isTrusted || this.client !== null) return false;
    const objection = this.sights[button].objection;
    this.view.notice(objection);
    return objection === null;
  }

  /** Start was clicked: now the machine may be looked at. */
  private accepted(): void {
    if (!isSmall()) return this.granted();
    this.show("second");
    byId("second-no").focus();
  }

  private granted(): void {
    // Run here for the first time: most frames are never started, and reading all of it at once would keep the page around waiting.
    void import("../client/client").then((module) => {
      if (this.client === null) this.compute(module.Client);
    });
  }

  private compute(Made: typeof Client): void {
    const owed = (this.owed ??= new Owed());
    const identity = storedIdentity();
    const client = (this.client = new Made({
      base: location.origin,
      computeUrls: [COMPUTE_PATH, "/embed/compute"],
      site: param("site"),
      origin: pageOrigin === "*" ? "" : pageOrigin.slice(0, 200),
      software: `disio-web ${VERSION}`,
      prefers: isPage ? this.wished.task : "",
      cores: navigator.hardwareConcurrency || 1,
      percent: this.effective,
      identity,
      downloader: () => new Worker((downloaderUrl ??= URL.createObjectURL(new Blob([DOWNLOADER_SOURCE], { type: "text/javascript" })))),
      remember: rememberIdentity,
      keep: (whose, results) => {
        owed.sync(whose, results, Date.now());
      },
      onStatus: (status) => {
        this.status = status;
        this.draw();
      },
    }));
    this.keepChoices();
    tellAnswer("granted", pageOrigin);
    say({ disio: "consent", answer: "granted" });
    const paused = (reason: Reason | null): void => {
      this.paused(reason);
    };
    this.pausing = new Pausing(byId("card"), isPage || param("place") === "text", () => this.percent, paused);
    for (const cause of ["hidden", "battery"] as const) this.pausing.allow(cause, tick(`allow-${cause}`).checked);
    void owed.takeOver(identity, Date.now()).then((legacy) => {
      if (this.client !== client) return;
      if (legacy !== null) client.owe(legacy.identity, legacy.messages);
      client.start();
    });
    this.pausing.start();
    this.limit = window.setTimeout(() => {
      this.end("ask", "over");
    }, LIMIT_MS);
    this.show(isPage ? "panel" : "badge");
    byId("badge").focus();
  }

  /** The share that slots are made for: the page may allow fewer workers than it takes. */
  private get effective(): number {
    const workers = Number(param("workers"));
    const cores = navigator.hardwareConcurrency || 1;
    return workers >= 1 ? Math.min(this.percent, (100 * workers) / cores) : this.percent;
  }

  private choose(percent: number): void {
    this.percent = percent;
    for (const input of inputs()) input.checked = Number(input.value) === percent;
    this.view.tellPower(percent);
    if (this.client === null) return;
    this.client.setShare(this.effective);
    this.keepChoices();
    this.draw();
  }

  private keepChoices(): void {
    const { checked } = tick("remember");
    if (!checked || byId("remember-row").hidden) return forgetChoices();
    const isAllowed = (cause: string): boolean => tick(`allow-${cause}`).checked;
    rememberChoices({ percent: this.percent, hidden: isAllowed("hidden"), battery: isAllowed("battery") }, Date.now());
  }

  private paused(reason: Reason | null): void {
    this.reason = reason;
    if (reason === null) this.client?.resume();
    else this.client?.pause(this.because(reason));
  }

  private because({ cause, until }: Reason): string {
    if (cause !== "visitor" || until === Infinity) return this.words.of(`because_${cause}`);
    return this.words.of("because_hour", { time: this.words.time(new Date(Date.now() + until * 1000 - performance.now())) });
  }

  private decline(): void {
    forgetChoices();
    tellAnswer("declined", pageOrigin);
    say({ disio: "consent", answer: "declined" });
    this.end("none", "declined");
  }

  private revoke(): void {
    forgetIdentity();
    forgetChoices();
    void this.owed?.forget();
    tellAnswer("revoked", pageOrigin);
    this.end(isPage ? "ask" : "none", "ended");
    say({ disio: "status", state: "revoked", reason: "", stats: { units: 0, seconds: 0, tasks: [], percent: 0 } });
    say({ disio: "consent", answer: "revoked" });
  }

  /** Compute no more, before anything is said about it. */
  private end(part: Part, notice: Key): void {
    clearTimeout(this.limit);
    this.pausing?.stop();
    this.client?.stop();
    this.client = this.pausing = this.reason = null;
    this.view.notice(notice);
    this.show(part);
  }

  private draw(): void {
    const { status, percent } = this;
    const reason = this.reason === null ? status.reason : this.because(this.reason);
    this.view.tell(status, percent, reason, this.pausing?.isByVisitor === true);
    const tasks = status.running.map((task) => task.name);
    say({ disio: "status", state: PUBLIC[status.state], reason, stats: { units: status.units, seconds: status.seconds, tasks, percent } });
  }

  private show(part: Part): void {
    if (part !== "ask" && part !== "none") this.view.notice(null);
    this.view.show(part);
    if (this.client !== null) this.draw();
    this.tellSize();
  }

  private tellSize(): void {
    const card = byId("card").getBoundingClientRect();
    // The badge is as wide as its words; the boxes fill the frame, which the loader keeps within the window.
    say({ disio: "size", width: this.view.part === "badge" ? Math.ceil(card.width) + MARGIN : BOX_WIDTH, height: Math.ceil(card.height) + MARGIN });
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

// In tasks of their own: the embedding page may share this thread.
setTimeout(() => {
  const consent = new Consent();
  setTimeout(() => {
    consent.start();
  });
});
