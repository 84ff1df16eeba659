// What the manager counts of sites, and how it is told.

export interface SiteNumbers {
  opened: number;
  granted: number;
  declined: number;
  revoked: number;
  opt_in_rate: number | null;
  visits: number;
  mean_s: number | null;
  median_s: number | null;
  mode_s: number | null;
  units: number;
  unit_seconds: number;
}

export interface SiteItem extends SiteNumbers {
  site: string;
  name: string;
  active: number;
}

export interface SiteDay extends SiteNumbers {
  /** Beginning of the day, UTC. */
  at: number;
}

export interface SiteWithDays extends SiteItem {
  days: SiteDay[];
  resolution: number;
}

export interface SiteList {
  items: SiteItem[];
  next_cursor: string | null;
  total: number;
  days: number;
  resolution: number;
  snippets: { distributor: string; name: string; html: string }[];
}

export type Measure = "visits" | "opened" | "granted" | "units";

export const MEASURES: Record<Measure, string> = {
  visits: "Visits",
  opened: "Opened",
  granted: "Started",
  units: "Units",
};

/** Names of what is no site, for people. */
export function siteName({ site, name }: Pick<SiteItem, "site" | "name">): string {
  if (site === "others") return "Others, counted together";
  if (site === "unknown") return "Pages that do not tell their origin";
  return name === "" ? site : `${site} (${name})`;
}

/** Every day of a span with its number, oldest first; a day of which nothing is known has 0. */
export function everyDay(days: readonly SiteDay[], measure: Measure, span: number, today: number) {
  const known = new Map(days.map((day) => [Math.round(day.at / 86_400), day[measure]]));
  const last = Math.floor(today / 86_400);
  return Array.from({ length: span }, (_, at) => {
    const day = last - span + 1 + at;
    return { at: day * 86_400, value: known.get(day) ?? 0 };
  });
}
