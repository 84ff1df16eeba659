// What is wrong with a distributor, in sentences with what follows from it.

import type { Distributor } from "../model";

/** From here on a distributor hands out no more work, and from the second one on it takes no more results. */
export const SPACE_WARNING = 0.8;
export const SPACE_FULL = 0.95;

export type SpaceLevel = "fine" | "warning" | "full";

export function spaceLevel(space: number): SpaceLevel {
  if (space >= SPACE_FULL) return "full";
  return space >= SPACE_WARNING ? "warning" : "fine";
}

const SPACE_SENTENCES: Record<SpaceLevel, string | null> = {
  fine: null,
  warning: "Its cache is filling up: it hands out no more work until a manager has taken results from it.",
  full: "Its cache is full: it takes no more results until a manager has taken some from it.",
};

type Health = Pick<Distributor, "state" | "durability" | "space" | "trouble">;

/** The warnings of a distributor; none when all is well. */
export function warningsOf({ state, durability = "full", space = 0, trouble = "" }: Health): string[] {
  const refused = state === "refused" ? `Not let in: ${trouble || "the manager gives no reason"}` : null;
  const impostor = state !== "refused" && trouble !== "" ? `Refused when it last tried to join: ${trouble}` : null;
  const relaxed = durability === "full" ? null : durability;
  const found = [refused, impostor, relaxed, SPACE_SENTENCES[spaceLevel(space)]];
  return found.filter((sentence) => sentence !== null);
}

/** How many distributors have warnings. */
export function troubled(distributors: readonly Health[]): number {
  return distributors.filter((distributor) => warningsOf(distributor).length > 0).length;
}
