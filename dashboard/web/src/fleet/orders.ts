// What operators want of distributors: in sentences, and what each action does before it is done.

import { many } from "../format";
import type { Distributor, Orders } from "../model";

export type Action = "drain" | "undrain" | "pause" | "resume" | "stop";

export interface Told {
  label: string;
  /** What happens, for the question before it; null = it is done without one. */
  what: string | null;
  /** Volunteers are told a reason. */
  hasReason: boolean;
}

export const ACTIONS: Record<Action, Told> = {
  pause: {
    label: "Pause",
    what: "It hands out nothing more. What its clients run finishes, what waits goes to other distributors, and volunteers are told why.",
    hasReason: true,
  },
  stop: {
    label: "Stop workers",
    what: "Everything its clients run is told to stop at once and is computed elsewhere. Nothing that was returned is lost. It stays paused until you resume it.",
    hasReason: true,
  },
  drain: {
    label: "Drain",
    what: "Its clients move to other distributors and its work goes back. It takes neither until you undo this, restarts included.",
    hasReason: true,
  },
  resume: { label: "Resume", what: null, hasReason: false },
  undrain: { label: "End the drain", what: null, hasReason: false },
};

export const NOTHING: Orders = {
  drained: false,
  paused: false,
  stopped: false,
  tasks: [],
  max_clients: 0,
  max_slots: 0,
  reason: "",
  at: 0,
};

/** What can be done to a distributor now. */
export function actionsOf({ state, orders = NOTHING }: Pick<Distributor, "state" | "orders">): Action[] {
  if (state === "refused") return [];
  const rest: Action[] = orders.paused || orders.stopped ? ["resume"] : ["pause"];
  if (!orders.paused && !orders.stopped && orders.tasks.length > 0) rest.push("resume");
  const stop: Action[] = orders.stopped ? [] : ["stop"];
  return [...rest, ...stop, orders.drained ? "undrain" : "drain"];
}

/** What is wanted of a distributor, in sentences; none when nothing is. */
export function sentencesOf({ state, orders = NOTHING }: Pick<Distributor, "state" | "orders">): string[] {
  const later = state === "offline" ? " It is told when it is back." : "";
  const why = orders.reason === "" ? "" : ` Reason: ${orders.reason}`;
  const found: string[] = [];
  if (orders.drained) found.push(`Drained by an operator.${why}${later}`);
  else if (orders.stopped) found.push(`Stopped by an operator: its clients run nothing.${why}${later}`);
  else if (orders.paused) found.push(`Paused by an operator: it hands out nothing more.${why}${later}`);
  if (orders.tasks.length > 0) found.push(`Stopped here: ${many(orders.tasks.length, "task")}.${later}`);
  const limits = [
    orders.max_clients > 0 ? many(orders.max_clients, "client") : "",
    orders.max_slots > 0 ? many(orders.max_slots, "slot") : "",
  ].filter(Boolean);
  if (limits.length > 0) found.push(`Capped at ${limits.join(" and ")}.${later}`);
  return found;
}

/** Distributors and their clients per version, the most used first. */
export function versionsOf(rows: readonly Pick<Distributor, "software" | "clients">[]) {
  const found = new Map<string, { version: string; distributors: number; clients: number }>();
  for (const { software, clients } of rows) {
    const version = software || "unknown";
    const known = found.get(version) ?? { version, distributors: 0, clients: 0 };
    found.set(version, { version, distributors: known.distributors + 1, clients: known.clients + clients });
  }
  return [...found.values()].sort((a, b) => b.distributors - a.distributors || a.version.localeCompare(b.version));
}
