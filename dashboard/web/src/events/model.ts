// The audit as the manager tells it, and as people read it.

export interface Deed {
  id: string;
  at: number;
  who: string;
  address: string;
  verb: string;
  kind: string;
  subject: string;
  outcome: "ok" | "refused" | "failed";
  detail: string;
  times: number;
}

export interface DeedList {
  items: Deed[];
  next_cursor: string | null;
  total: number;
}

/** What the query of the page may say; the manager takes the same names. */
export const FILTERS = ["who", "verb", "kind", "subject", "outcome", "since", "until"] as const;
export type Filter = (typeof FILTERS)[number];

export const KINDS = ["task", "user", "token", "session", "distributor", "client", "site", "workunit", "blob"];

/** The words of a verb: `create_task` is "create task". */
export function words(verb: string): string {
  return verb.replaceAll("_", " ");
}

export function doer(who: string): string {
  if (who === "") return "somebody unknown";
  if (who === "machine") return "the manager's own token";
  return who === "system" ? "the manager itself" : who;
}

/** Where a subject is shown, or null. */
export function place(kind: string, subject: string): string | null {
  if (subject === "") return null;
  if (kind === "task") return `/tasks/${encodeURIComponent(subject)}`;
  if (kind === "distributor" || kind === "client") return "/fleet";
  return kind === "user" || kind === "token" || kind === "session" ? "/settings" : null;
}

/** The manager's query for that of the page; days become the seconds at which they begin and end here. */
export function asked(query: URLSearchParams): URLSearchParams {
  const sent = new URLSearchParams();
  for (const name of FILTERS) {
    const value = query.get(name) ?? "";
    if (value === "") continue;
    if (name !== "since" && name !== "until") {
      sent.set(name, value);
      continue;
    }
    const seconds = secondsOf(value, name === "until");
    if (seconds !== null) sent.set(name, String(seconds));
  }
  return sent;
}

/** When a day such as 2026-11-22 begins, or ends, in the browser's own time zone; null: it is no day. */
export function secondsOf(day: string, isEnd: boolean): number | null {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day) ?? [];
  if (date === undefined) return null;
  const at = new Date(Number(year), Number(month) - 1, Number(date) + (isEnd ? 1 : 0)).getTime();
  return Number.isFinite(at) && at >= 0 ? at / 1000 : null;
}
