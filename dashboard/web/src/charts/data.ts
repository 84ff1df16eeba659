// What a chart shows, as numbers: stacking, the table and the CSV beside it. Nothing here draws.

export interface Line {
  name: string;
  /** Name of a CSS variable: the colour follows the palette. */
  colour: string;
  /** null: nobody looked then. */
  values: (number | null)[];
}

/** Adds up lines from the last one to the first, so that each can be drawn as the band above the next. */
export function stacked(lines: readonly Line[]): (number | null)[][] {
  const sums: (number | null)[][] = [];
  let below: (number | null)[] | undefined;
  for (const { values } of lines.toReversed()) {
    const base = below;
    below = values.map((value, at) => (value === null ? null : value + (base?.[at] ?? 0)));
    sums.unshift(below);
  }
  return sums;
}

/** The rows of the table: those at which anybody looked, the newest first. */
export function rowsOf(at: readonly number[], lines: readonly Line[]): { at: number; values: (number | null)[] }[] {
  return at
    .map((time, nth) => ({ at: time, values: lines.map(({ values }) => values[nth] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null))
    .toReversed();
}

/** The same as text for a spreadsheet, oldest first; times as ISO 8601. */
export function csvOf(at: readonly number[], lines: readonly Line[]): string {
  const head = ["time", ...lines.map(({ name }) => quoted(name))].join(",");
  const rows = rowsOf(at, lines)
    .toReversed()
    .map(({ at: time, values }) => [new Date(time * 1000).toISOString(), ...values.map((one) => one ?? "")].join(","));
  return `${[head, ...rows].join("\n")}\n`;
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A sentence that says what the picture shows. */
export function summaryOf(title: string, lines: readonly Line[], told: (value: number) => string): string {
  const parts = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    const last = known.at(-1);
    if (last === undefined) return `${name}: nothing yet`;
    return `${name}: ${told(last)} at last, ${told(Math.max(...known))} at most`;
  });
  return `${title}. ${parts.join("; ")}.`;
}

/** The point that a key leads to from another one, none at first. */
export function stepped(key: string, from: number | null, length: number): number | null {
  const last = length - 1;
  if (length === 0) return null;
  const steps: Record<string, number> = {
    ArrowLeft: Math.max(0, (from ?? length) - 1),
    ArrowRight: Math.min(last, (from ?? last) + 1),
    PageUp: Math.max(0, (from ?? last) - 10),
    PageDown: Math.min(last, (from ?? last) + 10),
    Home: 0,
    End: last,
  };
  return steps[key] ?? null;
}
