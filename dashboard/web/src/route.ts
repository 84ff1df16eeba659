// Which page is shown, and of what: the address bar is the only truth, its query included.

import { computed, signal } from "@preact/signals";

export type Route =
  | { page: "overview" | "tasks" | "new" | "fleet" | "sites" | "events" | "settings" | "missing" }
  | { page: "task"; id: string }
  | { page: "payload"; id: string; index: number };

export const path = signal(location.pathname);
/** The query with its question mark, or nothing. */
export const search = signal(location.search);
export const query = computed(() => new URLSearchParams(search.value));
export const route = computed(() => parseRoute(path.value));

const PAGES: Record<string, Route> = {
  "/": { page: "overview" },
  "/tasks": { page: "tasks" },
  "/tasks/new": { page: "new" },
  "/fleet": { page: "fleet" },
  "/sites": { page: "sites" },
  "/events": { page: "events" },
  "/settings": { page: "settings" },
};
const MISSING: Route = { page: "missing" };

export function parseRoute(pathname: string): Route {
  const known = PAGES[pathname];
  if (known) return known;
  const [, id, index] = /^\/tasks\/([^/]+)(?:\/payloads\/(\d{1,15}))?$/.exec(pathname) ?? [];
  if (id === undefined) return MISSING;
  try {
    const task = decodeURIComponent(id);
    return index === undefined ? { page: "task", id: task } : { page: "payload", id: task, index: Number(index) };
  } catch {
    return MISSING;
  }
}

let moves = 0;

/** Whether the shown page is not the one that was loaded. */
export function hasMoved(): boolean {
  return moves > 0;
}

/** Goes to another page of the dashboard: a path, with a query if it has one. */
export function go(to: string): void {
  history.pushState(null, "", to);
  follow();
  scrollTo(0, 0);
}

/** Changes what the query says, and the page stays; an empty value takes its name out. */
export function setQuery(changes: Record<string, string>, { keep = false }: { keep?: boolean } = {}): void {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  const to = location.pathname + (text === "" ? "" : `?${text}`);
  if (keep) history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  search.value = location.search;
}

function follow(): void {
  moves += 1;
  path.value = location.pathname;
  search.value = location.search;
}

/** Turns clicks on the page's own links into route changes, and follows the back button. */
export function followLinks(): void {
  addEventListener("popstate", follow);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (parseRoute(link.pathname).page === "missing") return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
