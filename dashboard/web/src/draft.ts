// The form of a new task as text fields: kept in the browser, turned into a task document, and where its errors belong.
// Field names are the paths of the task document, so that the server's errors find their field.

import type { FieldError } from "./model";

/** The fields that are folded away until somebody wants them, or one of them has an error. */
export const ADVANCED = ["policy.max_lost", "policy.when_exhausted", "policy.max_redundancy"] as const;

export const FIELDS = [
  "name",
  "workunit.language",
  "workunit.source",
  "workunit.runtime",
  "workunit.output",
  "workunit.clock",
  "payloads",
  "policy.priority",
  "policy.unit_timeout_s",
  "policy.max_failures",
  "policy.max_distributors",
  "policy.requires.kinds",
  ...ADVANCED,
] as const;
export type Field = (typeof FIELDS)[number];

export type Draft = Record<Field, string> & {
  /** A WebAssembly file in base64, and its name. */
  wasm: string;
  wasmName: string;
};

export const EMPTY: Draft = {
  name: "",
  "workunit.language": "javascript",
  "workunit.source": "",
  "workunit.runtime": "sandbox",
  "workunit.output": "bytes",
  "workunit.clock": "fixed",
  payloads: '{"range": [0, 100]}',
  "policy.priority": "0",
  "policy.unit_timeout_s": "60",
  "policy.max_failures": "3",
  "policy.max_distributors": "0",
  "policy.requires.kinds": "web cli",
  "policy.max_lost": "20",
  "policy.when_exhausted": "repeat",
  "policy.max_redundancy": "5",
  wasm: "",
  wasmName: "",
};

const KEY = "disio.draft";

export function loadDraft(): Draft {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { ...EMPTY, ...pickTexts(kept) };
  } catch {
    return EMPTY;
  }
}

/** Keeps the draft; tells whether the browser had room for all of it. */
export function keepDraft(draft: Draft): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(): void {
  localStorage.removeItem(KEY);
}

function pickTexts(kept: unknown): Partial<Draft> {
  if (typeof kept !== "object" || kept === null) return {};
  return Object.fromEntries(Object.entries(kept).filter(([key, value]) => key in EMPTY && typeof value === "string"));
}

/** Returns the task document as JSON text, or what stops it from being one. */
export function toDocument(draft: Draft): { body: string } | { errors: FieldError[] } {
  try {
    JSON.parse(draft.payloads);
  } catch (error) {
    return { errors: [{ path: "payloads", message: `is not JSON: ${(error as Error).message}` }] };
  }
  const rest = JSON.stringify({ name: draft.name, workunit: workunitOf(draft), policy: policyOf(draft) });
  // The payloads go as they were typed: numbers beyond what JavaScript keeps exactly must not change on the way.
  return { body: `{"payloads":${draft.payloads},${rest.slice(1)}` };
}

/** Says of how the unit runs only what its language knows: the server refuses the rest. */
function workunitOf(draft: Draft): Record<string, string> {
  const language = draft["workunit.language"];
  if (language === "wasm") {
    const how = { output: draft["workunit.output"], clock: draft["workunit.clock"] };
    return { language, source_base64: draft.wasm, ...how };
  }
  const source = draft["workunit.source"];
  return language === "python" ? { language, source, runtime: draft["workunit.runtime"] } : { language, source };
}

function policyOf(draft: Draft): Record<string, unknown> {
  const kinds = draft["policy.requires.kinds"].split(" ").filter(Boolean);
  return {
    priority: asNumber(draft["policy.priority"]),
    unit_timeout_s: asNumber(draft["policy.unit_timeout_s"]),
    max_failures: asNumber(draft["policy.max_failures"]),
    max_distributors: asNumber(draft["policy.max_distributors"]),
    max_lost: asNumber(draft["policy.max_lost"]),
    when_exhausted: draft["policy.when_exhausted"],
    max_redundancy: asNumber(draft["policy.max_redundancy"]),
    requires: { kinds },
  };
}

/** Nothing = the server's default; what is no number goes as it is, for the server to refuse by name. */
function asNumber(text: string): number | string | undefined {
  if (text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}

export interface PlacedErrors {
  fields: Partial<Record<Field, string[]>>;
  /** Errors without a field of this form. */
  rest: FieldError[];
}

export function placeErrors(errors: FieldError[]): PlacedErrors {
  const placed: PlacedErrors = { fields: {}, rest: [] };
  for (const error of errors) {
    const field = fieldOf(error.path);
    if (!field) placed.rest.push(error);
    else placed.fields[field] = [...(placed.fields[field] ?? []), phrase(field, error)];
  }
  return placed;
}

function fieldOf(path: string): Field | undefined {
  if (/^workunit(\.(source_base64|sha256))?$/.test(path)) return "workunit.source";
  const isWithin = (field: Field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
  return FIELDS.filter(isWithin).sort((a, b) => b.length - a.length)[0];
}

/** Within a field that holds a whole object the place inside it is part of the message. */
function phrase(field: Field, { path, message }: FieldError): string {
  return path.startsWith(`${field}.`) ? `${path.slice(field.length + 1)}: ${message}` : message;
}
