// A payload spec as the builder's fields have it, and back. What the fields cannot say is left to be written by hand.

export const KINDS = ["range", "grid", "zip", "random", "list", "file", "json"] as const;
export type Kind = (typeof KINDS)[number];

export interface Axis {
  key: string;
  /** `0:100:5`, `1, 2, 3`, `linspace(0, 1, 11)`, `uniform(0, 1)`, or one JSON value or text. */
  text: string;
}

export interface Built {
  kind: Kind;
  start: string;
  stop: string;
  step: string;
  axes: Axis[];
  count: string;
  seed: string;
  /** Of a list: JSON values, one a line. */
  items: string;
  format: string;
  sha256: string;
  numbers: string;
}

export const BLANK: Built = {
  kind: "range",
  start: "0",
  stop: "100",
  step: "",
  axes: [{ key: "n", text: "0:100" }],
  count: "100",
  seed: "1",
  items: "1\n2\n3",
  format: "ndjson",
  sha256: "",
  numbers: "",
};

const NUMBER = "-?\\d+(?:\\.\\d+)?(?:[eE][-+]?\\d+)?";
const RANGE = new RegExp(`^(${NUMBER}):(${NUMBER})(?::(${NUMBER}))?$`);
const CALL = /^(linspace|uniform)\(([^)]*)\)$/;

/** The text of a payload spec, or what is wrong with a field. */
export function specOf(built: Built): string {
  switch (built.kind) {
    case "range":
      return `{"range": [${[built.start, built.stop, built.step]
        .map((part) => part.trim())
        .filter(Boolean)
        .join(", ")}]}`;
    case "grid":
    case "zip":
      return `{"${built.kind}": {${membersOf(built.axes)}}}`;
    case "random": {
      const seed = /^-?\d+$/.test(built.seed.trim()) ? built.seed.trim() : JSON.stringify(built.seed);
      const axes = membersOf(built.axes);
      return `{"random": {"count": ${built.count.trim() || "0"}, "seed": ${seed}${axes && `, ${axes}`}}}`;
    }
    case "list": {
      const lines = built.items.split("\n").filter((line) => line.trim() !== "");
      return `{"list": [${lines.map(jsonOf).join(", ")}]}`;
    }
    case "file":
      return fileSpec(built);
    default:
      return "";
  }
}

function fileSpec({ sha256, format, numbers }: Built): string {
  const columns = numbers
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  const more = format === "csv" && columns.length > 0 ? { numbers: columns } : {};
  return JSON.stringify({ blob: sha256, format, ...more });
}

function membersOf(axes: Axis[]): string {
  const named = axes.filter(({ key }) => key.trim() !== "");
  return named.map(({ key, text }) => `${JSON.stringify(key.trim())}: ${axisOf(text)}`).join(", ");
}

/** An axis as JSON text. */
export function axisOf(text: string): string {
  const trimmed = text.trim();
  const range = RANGE.exec(trimmed);
  if (range) return `{"range": [${range.slice(1).filter(Boolean).join(", ")}]}`;
  const called = CALL.exec(trimmed);
  if (called) return `{"${called[1]}": [${called[2]?.trim()}]}`;
  if (isJson(trimmed)) return trimmed;
  if (trimmed.includes(",")) return `[${trimmed.split(",").map(jsonOf).join(", ")}]`;
  return JSON.stringify(trimmed);
}

/** JSON as it stands; anything else is a text. */
function jsonOf(text: string): string {
  const trimmed = text.trim();
  return isJson(trimmed) ? trimmed : JSON.stringify(trimmed);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What the fields would hold for a spec; those it does not speak of stay as they are. */
export function builtOf(text: string, before: Built): Built {
  const found = read(text, before);
  // Only if the fields say the very same: else nothing may be lost by going through them.
  return found && sameJson(specOf(found), text) ? found : { ...before, kind: "json" };
}

function read(text: string, before: Built): Built | null {
  let spec: Record<string, unknown>;
  try {
    spec = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (typeof spec !== "object" || spec === null) return null;
  if (Array.isArray(spec.range)) {
    const [start = "", stop = "", step = ""] = spec.range.map(String);
    return { ...before, kind: "range", start, stop, step };
  }
  if (Array.isArray(spec.list)) {
    const items = spec.list.map((item) => JSON.stringify(item)).join("\n");
    return { ...before, kind: "list", items };
  }
  if (typeof spec.blob === "string") return readFile(spec, before);
  return readAxes(spec, before);
}

function readFile(spec: Record<string, unknown>, before: Built): Built {
  const numbers = Array.isArray(spec.numbers) ? spec.numbers.join(", ") : "";
  return { ...before, kind: "file", sha256: String(spec.blob), format: String(spec.format), numbers };
}

function readAxes(spec: Record<string, unknown>, before: Built): Built | null {
  for (const kind of ["grid", "zip", "random"] as const) {
    const members = spec[kind];
    if (typeof members !== "object" || members === null || Array.isArray(members)) continue;
    const { count, seed, ...rest } = members as Record<string, unknown>;
    if (kind === "random")
      return { ...before, kind, count: String(count), seed: String(seed), axes: Object.entries(rest).map(axisText) };
    return { ...before, kind, axes: Object.entries(members).map(axisText) };
  }
  return null;
}

function axisText([key, axis]: [string, unknown]): Axis {
  const { range, linspace, uniform } = (axis ?? {}) as Record<string, unknown>;
  if (Array.isArray(range)) return { key, text: range.join(":") };
  if (Array.isArray(linspace)) return { key, text: `linspace(${linspace.join(", ")})` };
  if (Array.isArray(uniform)) return { key, text: `uniform(${uniform.join(", ")})` };
  if (Array.isArray(axis)) return { key, text: JSON.stringify(axis) };
  if (typeof axis === "string" && sameJson(axisOf(axis), JSON.stringify(axis))) return { key, text: axis };
  return { key, text: JSON.stringify(axis) };
}

function sameJson(one: string, other: string): boolean {
  try {
    return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
  } catch {
    return false;
  }
}
