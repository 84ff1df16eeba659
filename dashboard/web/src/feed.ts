// The one live stream. Pages read its signals; it reconnects by itself and says when news may have been missed.

import { signal } from "@preact/signals";
import { diagnose, outage } from "./api";
import type { Attention, Distributor, Stats, Task } from "./model";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

export const fleet = signal<Distributor[] | null>(null);
export const stats = signal<Stats | null>(null);
export const attention = signal<Attention | null>(null);
/** Grows whenever the stream (re)starts: whoever keeps lists reads them again. */
export const generation = signal(0);

type TaskNews = { kind: "changed"; task: Task } | { kind: "deleted"; id: string };
const listeners = new Set<(news: TaskNews) => void>();

let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let retryMs = FIRST_RETRY_MS;

/** Calls back with each change of any task; returns what ends it. */
export function onTask(listener: (news: TaskNews) => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Keeps the stream open while the page is visible: browsers allow few connections to one host. */
export function startFeed(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!source) open();
  });
  if (!document.hidden) open();
}

function open(): void {
  close();
  source = new EventSource("/api/events?topics=tasks,fleet,stats,attention");
  source.addEventListener("open", () => {
    retryMs = FIRST_RETRY_MS;
    outage.value = null;
    generation.value += 1;
  });
  source.addEventListener("error", () => {
    void retry();
  });
  listen<Task>("task", (task) => tell({ kind: "changed", task }));
  listen<{ id: string }>("task-deleted", ({ id }) => tell({ kind: "deleted", id }));
  listen<{ items: Distributor[] }>("fleet", ({ items }) => {
    fleet.value = items;
  });
  listen<Stats>("stats", (now) => {
    stats.value = now;
  });
  listen<Attention>("attention", (now) => {
    attention.value = now;
  });
}

function listen<T>(name: string, handle: (data: T) => void): void {
  source?.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as T));
}

function tell(news: TaskNews): void {
  for (const listener of listeners) listener(news);
}

// EventSource gives up for good on an answer such as 503, so the way back is ours, with jittered backoff.
async function retry(): Promise<void> {
  close();
  await diagnose();
  if (source || document.hidden) return;
  clearTimeout(timer);
  timer = setTimeout(open, retryMs * (0.5 + Math.random() / 2));
  retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
}

function close(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
}
