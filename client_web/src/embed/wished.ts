/**
 * `/help?task=ID`: which task a visitor came for, what has become of it, and which others there are.
 *
 * Rule: a wish changes nothing but the order of work. What the distributor does not tell, or tells without sense, is left out; names are
 * strangers' words and go into the page as text.
 */

import { byId } from "./view";
import type { Key, Words } from "./words";

export interface TaskTold {
  id: string;
  name: string;
  state: string;
  total: number;
  done: number;
}

export interface Help {
  task: TaskTold | null;
  others: TaskTold[];
  /** False: nobody could be asked, so a task that is not told of may be there all the same. */
  is_sure: boolean;
}

const ID = /^[\w-]{1,64}$/;
const OPEN = ["queued", "running", "paused"];
const MAX_OTHERS = 20;
const MAX_NAME = 200;
const NOTHING: Help = { task: null, others: [], is_sure: false };

/** The id in an address's query; empty when there is none, or none that could be. */
export function wishIn(search: string): string {
  const id = new URLSearchParams(search).get("task") ?? "";
  return ID.test(id) ? id : "";
}

export function readHelp(said: unknown): Help {
  if (typeof said !== "object" || said === null) return NOTHING;
  const { task, others, is_sure } = said as Record<string, unknown>;
  const list = Array.isArray(others) ? others.map(readTask).filter((one) => one !== null) : [];
  return { task: readTask(task), others: list.slice(0, MAX_OTHERS), is_sure: is_sure === true };
}

function readTask(said: unknown): TaskTold | null {
  if (typeof said !== "object" || said === null) return null;
  const { id, name, state, total, done } = said as Record<string, unknown>;
  const isSense = typeof id === "string" && ID.test(id) && typeof name === "string" && typeof state === "string";
  if (!isSense || typeof total !== "number" || typeof done !== "number") return null;
  return { id, name: name.slice(0, MAX_NAME), state, total, done };
}

/** What is to be said of the wished task, and whether it is still to be asked for. */
export function verdict(wish: string, help: Help): { key: Key | null; isOpen: boolean } {
  if (wish === "") return { key: null, isOpen: false };
  if (help.task === null) return help.is_sure ? { key: "task_unknown", isOpen: false } : { key: null, isOpen: true };
  if (!OPEN.includes(help.task.state)) return { key: help.task.state === "done" ? "task_done" : "task_ended", isOpen: false };
  return { key: help.task.state === "paused" ? "task_paused" : "task_first", isOpen: true };
}

export class Wished {
  /** The task that the distributor is asked for first; empty = any. */
  task = wishIn(location.search);

  constructor(private readonly words: Words) {}

  async look(): Promise<void> {
    const wish = this.task;
    const help = await fetchHelp(wish);
    const { key, isOpen } = verdict(wish, help);
    if (!isOpen) this.task = "";
    const { name = "", done = 0, total = 0 } = help.task ?? {};
    const percent = this.words.number(total > 0 ? Math.floor((100 * done) / total) : 0);
    byId("wished").textContent = key === null ? "" : this.words.of(key, { name, percent });
    this.list(help.others, key !== null && !isOpen);
  }

  /** @param isInstead the wished task cannot be helped any more */
  private list(others: readonly TaskTold[], isInstead: boolean): void {
    byId("choose").hidden = others.length === 0;
    byId("choose-title").textContent = this.words.of(isInstead ? "help_others" : "help_which");
    byId("others").replaceChildren(...others.map((task) => this.row(task)));
  }

  private row({ id, name, total, done }: TaskTold): HTMLElement {
    const row = document.createElement("li");
    const link = document.createElement("a");
    link.href = `?${new URLSearchParams({ task: id }).toString()}`;
    link.textContent = name;
    row.append(link, ` ${this.words.of("percent", { percent: this.words.number(total > 0 ? Math.floor((100 * done) / total) : 0) })}`);
    return row;
  }
}

async function fetchHelp(task: string): Promise<Help> {
  try {
    const answer = await fetch(`/help/tasks.json?${new URLSearchParams({ task }).toString()}`, { credentials: "omit" });
    return answer.ok ? readHelp(await answer.json()) : NOTHING;
  } catch {
    return NOTHING;
  }
}
