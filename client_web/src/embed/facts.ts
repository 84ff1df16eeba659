/**
 * What the distributor says about who runs it.
 *
 * Rule: asked for only after the box was opened; whatever is missing or makes no sense is left out.
 */

export interface Facts {
  operator: string;
  purpose: string;
  contact: string;
  /** A page that lists what is computed; empty = there is none. */
  tasks_url: string;
}

const MAX_CHARS = 300;
const NOTHING: Facts = { operator: "", purpose: "", contact: "", tasks_url: "" };

export function readFacts(said: unknown): Facts {
  if (typeof said !== "object" || said === null) return NOTHING;
  const text = (name: keyof Facts): string => {
    const value = (said as Record<string, unknown>)[name];
    return typeof value === "string" ? value.trim().slice(0, MAX_CHARS) : "";
  };
  const url = text("tasks_url");
  return { operator: text("operator"), purpose: text("purpose"), contact: text("contact"), tasks_url: /^https?:\/\//.test(url) ? url : "" };
}

export async function fetchFacts(): Promise<Facts> {
  try {
    const answer = await fetch("/.well-known/disio.json", { credentials: "omit" });
    return answer.ok ? readFacts(await answer.json()) : NOTHING;
  } catch {
    return NOTHING;
  }
}
