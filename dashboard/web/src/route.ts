// Which page is shown: the address bar is the only truth.

import { computed, signal } from "@preact/signals";

export type Route =
  | { page: "tasks" }
  | { page: "new" }
  | { page: "fleet" }
  | { page: "task"; id: string }
  | { page: "missing" };

export const path = signal(location.pathname);
export const route = computed(() => parseRoute(path.value));

export function parseRoute(pathname: string): Route {
  if (pathname === "/" || pathname === "/tasks") return { page: "tasks" };
  if (pathname === "/tasks/new") return { page: "new" };
  if (pathname === "/fleet") return { page: "fleet" };
  const [, id] = /^\/tasks\/([^/]+)$/.exec(pathname) ?? [];
  try {
    return id === undefined ? { page: "missing" } : { page: "task", id: decodeURIComponent(id) };
  } catch {
    return { page: "missing" };
  }
}

let moves = 0;

/** Whether the shown page is not the one that was loaded. */
export function hasMoved(): boolean {
  return moves > 0;
}

export function go(to: string): void {
  history.pushState(null, "", to);
  moves += 1;
  path.value = location.pathname;
  scrollTo(0, 0);
}

/** Turns clicks on the page's own links into route changes, and follows the back button. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    moves += 1;
    path.value = location.pathname;
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (parseRoute(link.pathname).page === "missing") return;
    event.preventDefault();
    go(link.pathname);
  });
}
