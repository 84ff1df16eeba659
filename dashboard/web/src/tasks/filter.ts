// Which tasks the list shows: what the address bar says, as the manager is asked for it.

import { TASK_STATES, type TaskState } from "../model";

export const SORTS = [
  ["", "newest"],
  ["ended", "last ended"],
  ["progress", "furthest"],
] as const;
export const AGES = [
  ["", "any time"],
  ["1h", "last hour"],
  ["24h", "last 24 hours"],
  ["7d", "last 7 days"],
  ["30d", "last 30 days"],
] as const;
const AGE_S: Record<string, number> = { "1h": 3_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 };
export const PAGE = 50;

export interface Wanted {
  states: TaskState[];
  q: string;
  /** Who made it: a user, or `token:ID`. */
  owner: string;
  /** A name of AGES. */
  created: string;
  ended: string;
  failures: boolean;
  sort: string;
  /** Cursors of the pages before this one and of this one, none on the first. */
  cursors: string[];
}

export function wantedOf(query: URLSearchParams): Wanted {
  const states = (query.get("state") ?? "").split(",");
  const age = (name: string) => ((query.get(name) ?? "") in AGE_S ? (query.get(name) ?? "") : "");
  const sort = query.get("sort") ?? "";
  return {
    states: TASK_STATES.filter((state) => states.includes(state)),
    q: query.get("q") ?? "",
    owner: query.get("owner") ?? "",
    created: age("created"),
    ended: age("ended"),
    failures: query.get("failures") === "yes",
    sort: SORTS.some(([name]) => name === sort) ? sort : "",
    cursors: (query.get("page") ?? "").split("~").filter((cursor) => cursor !== ""),
  };
}

/** Whether anything narrows the list. */
export function isNarrow({ states, q, owner, created, ended, failures }: Wanted): boolean {
  return states.length > 0 || q !== "" || owner !== "" || created !== "" || ended !== "" || failures;
}

/** The query that the manager is asked with; ages count back from `now`, in seconds. */
export function askedFor(wanted: Wanted, now: number): string {
  const asked = new URLSearchParams({ limit: String(PAGE) });
  if (wanted.states.length > 0) asked.set("state", wanted.states.join(","));
  if (wanted.q !== "") asked.set("q", wanted.q);
  if (wanted.owner !== "") asked.set("owner", wanted.owner);
  if (wanted.created !== "") asked.set("created_from", String(since(wanted.created, now)));
  if (wanted.ended !== "") asked.set("ended_from", String(since(wanted.ended, now)));
  if (wanted.failures) asked.set("failures", "true");
  if (wanted.sort !== "") asked.set("sort", wanted.sort);
  const cursor = wanted.cursors.at(-1);
  if (cursor !== undefined) asked.set("cursor", cursor);
  return asked.toString();
}

/** The same as a filter of a bulk action. */
export function filterOf(wanted: Wanted, now: number): Record<string, unknown> {
  if (!isNarrow(wanted)) return { all: true };
  return {
    ...(wanted.states.length > 0 ? { state: wanted.states } : {}),
    ...(wanted.q === "" ? {} : { q: wanted.q }),
    ...(wanted.owner === "" ? {} : { owner: wanted.owner }),
    ...(wanted.created === "" ? {} : { created_from: since(wanted.created, now) }),
    ...(wanted.ended === "" ? {} : { ended_from: since(wanted.ended, now) }),
    ...(wanted.failures ? { failures: true } : {}),
  };
}

function since(age: string, now: number): number {
  return Math.floor(now - (AGE_S[age] ?? 0));
}
