/**
 * The widget's elements: what they say and which of them are shown.
 *
 * Rule: no decision is made here. Text is written only when it changed, so that screen readers say it once.
 */

import type { RunningTask, Status } from "../client/status";
import { extraPower } from "./power";
import type { Key, Words } from "./words";

export type Part = "ask" | "second" | "badge" | "panel" | "none";

export const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

export const tick = (id: string): HTMLInputElement => byId(id) as HTMLInputElement;

export const inputs = (): HTMLInputElement[] => [...byId("stops").querySelectorAll("input")];

const DOING: Record<Status["state"], Key> = {
  running: "helping",
  waiting: "waiting",
  connecting: "connecting",
  paused: "paused",
  blocked: "blocked",
  stopped: "stopped",
};

export class View {
  part: Part = "ask";
  /** The dot beats when something is told, and does not move in between: drawn 60 times a second it took as much as the smallest share. */
  private isLongBeat = true;

  constructor(
    private readonly words: Words,
    private readonly base: () => string,
  ) {}

  /** Fill in every word that never changes. */
  dress(theme: string, isPage: boolean): void {
    const root = document.documentElement;
    root.lang = this.words.language;
    if (theme === "light" || theme === "dark") root.dataset["theme"] = theme;
    if (isPage) root.dataset["place"] = "page";
    document.title = this.words.of("page_title");
    for (const element of document.querySelectorAll<HTMLElement>("[data-t]")) element.textContent = this.words.of(element.dataset["t"] as Key);
  }

  /** Lay the stops out; those above the page's ceiling cannot be chosen. */
  layStops(shares: readonly number[], chosen: number, ceiling: number, choose: (percent: number) => void): void {
    for (const percent of shares) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "share", value: String(percent), checked: percent === chosen, disabled: percent > ceiling });
      input.addEventListener("change", () => {
        choose(percent);
      });
      label.append(input, this.words.of("percent", { percent: this.words.number(percent) }));
      byId("stops").append(label);
    }
    this.tellPower(chosen);
  }

  tellPower(percent: number): void {
    const [from, to] = extraPower(percent);
    const { words } = this;
    this.write("power", words.of("power", { from: words.rough(from), to: words.rough(to), from_kwh: words.rough(from / 1000), to_kwh: words.rough(to / 1000) }));
  }

  notice(key: Key | null): void {
    this.write("notice", key === null ? "" : this.words.of(key));
  }

  show(part: Part): void {
    this.part = part;
    byId("ask").hidden = part !== "ask";
    byId("second").hidden = part !== "second";
    byId("badge").hidden = part !== "badge" && part !== "panel";
    byId("panel").hidden = part !== "panel";
    byId("badge").setAttribute("aria-expanded", String(part === "panel"));
    byId(part === "panel" ? "share-panel" : "share-ask").append(byId("shares"));
  }

  /** @param reason why it is paused, or what the client says */
  tell(status: Status, percent: number, reason: string, isVisitorsPause: boolean): void {
    const task = status.running[0]?.name ?? "";
    this.isLongBeat = !this.isLongBeat;
    Object.assign(document.documentElement.dataset, { state: status.state, beat: this.isLongBeat ? "long" : "short" });
    this.write("doing", this.words.of(DOING[status.state], { task }));
    this.write("share", this.words.of("percent", { percent: this.words.number(percent) }));
    this.write("reason", reason);
    if (this.part !== "panel") return;
    this.list(status.running);
    this.write("units", this.words.number(status.units));
    this.write("seconds", this.words.of("seconds", { seconds: this.words.number(status.seconds, status.seconds < 100 ? 1 : 0) }));
    this.write("pause", this.words.of(isVisitorsPause ? "resume" : "pause"));
    byId("hour").hidden = isVisitorsPause;
  }

  private list(running: readonly RunningTask[]): void {
    const key = running.map(({ name, workunit }) => `${name} ${workunit}`).join();
    const element = byId("tasks");
    if (element.dataset["key"] === key) return;
    element.dataset["key"] = key;
    if (running.length === 0) element.textContent = this.words.of("nothing");
    else element.replaceChildren(...running.map((task) => this.row(task)));
  }

  /** A task, its language, and a link to its code, named by the beginning of its hash. */
  private row({ name, language, workunit }: RunningTask): HTMLElement {
    const row = document.createElement("div");
    const link = document.createElement("a");
    link.href = `${this.base()}/workunits/${workunit}`;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = `${this.words.of("code")} ${workunit.slice(0, 8)}`;
    row.append(`${name}, ${language} `, link);
    return row;
  }

  write(id: string, text: string): void {
    const element = byId(id);
    if (element.textContent !== text) element.textContent = text;
  }
}
