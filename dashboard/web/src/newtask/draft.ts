// The form of a new task as text fields: kept in the browser, turned into a task document, and where its errors belong.
// Field names are the paths of the task document, so that the server's errors find their field.

import type { FieldError } from "../model";
import { joined, membersOf, type Parts } from "./more";

/** The fields that are folded away until somebody wants them, or one of them has an error. */
export const ADVANCED = [
  "policy.max_lost",
  "policy.max_task_failures",
  "policy.deadline",
  "policy.stop_when",
  "policy.when_exhausted",
  "policy.max_redundancy",
  "aggregates.fields",
] as const;

export const FIELDS = [
  "name",
  "workunit.language",
  "workunit.source",
  "workunit.runtime",
  "workunit.output",
  "workunit.clock",
  "payloads",
  "policy.priority",
  "policy.weight",
  "policy.unit_timeout_s",
  "policy.max_failures",
  "policy.max_distributors",
  "policy.requires.memory_mb",
  "policy.requires.kinds",
  ...ADVANCED,
  "more",
] as const;
export type Field = (typeof FIELDS)[number];

export type Draft = Record<Field, string> & {
  /** A WebAssembly file in base64, or its hash when it was uploaded; and its name. */
  wasm: string;
  wasmHash: string;
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
  "policy.weight": "",
  "policy.unit_timeout_s": "60",
  "policy.max_failures": "3",
  "policy.max_distributors": "0",
  "policy.requires.memory_mb": "",
  "policy.requires.kinds": "web cli",
  "policy.max_lost": "20",
  "policy.max_task_failures": "",
  "policy.deadline": "",
  "policy.stop_when": "",
  "aggregates.fields": "",
  "policy.when_exhausted": "repeat",
  "policy.max_redundancy": "5",
  more: "",
  wasm: "",
  wasmHash: "",
  wasmName: "",
};

const KEY = "disio.draft";

/** Characters of a draft that are kept; browsers have room for some five million. */
const MAX_KEPT = 2_000_000;

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
    const text = JSON.stringify(draft);
    if (text.length > MAX_KEPT) return false;
    localStorage.setItem(KEY, text);
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
  const more = draft.more.trim() === "" ? "{}" : draft.more;
  const stop = draft["policy.stop_when"].trim();
  const errors = [
    ...notJson("payloads", draft.payloads),
    ...notJson("more", more),
    ...(stop === "" ? [] : notJson("policy.stop_when", stop)),
  ];
  if (errors.length > 0) return { errors };
  const members = membersOf(more);
  if (!members) return { errors: [{ path: "more", message: 'must be an object: {"tags": ["math"]}' }] };
  const unit = workunitOf(draft, membersOf(members.get("workunit") ?? "{}"));
  const parts = {
    payloads: draft.payloads,
    name: textOf(draft.name),
    workunit: unit,
    policy: policyOf(draft),
    aggregates: aggregatesOf(draft),
  };
  const body = joined(parts, members, errors);
  return errors.length > 0 ? { errors } : { body };
}

function notJson(path: Field, text: string): FieldError[] {
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [{ path, message: `is not JSON: ${(error as Error).message}` }];
  }
}

/** Says of how the unit runs only what its language knows: the server refuses the rest. */
function workunitOf(draft: Draft, more: Map<string, string> | undefined): Parts {
  const language = textOf(draft["workunit.language"]);
  const given = draft["workunit.language"] === "wasm" ? draft.wasm : draft["workunit.source"];
  // Code that was uploaded before goes by its hash alone.
  const code = given === "" && more?.has("sha256") ? undefined : textOf(given);
  if (draft["workunit.language"] === "wasm") {
    const how = { output: textOf(draft["workunit.output"]), clock: textOf(draft["workunit.clock"]) };
    if (draft.wasmHash !== "") return { language, sha256: textOf(draft.wasmHash), ...how };
    return { language, source_base64: code, ...how };
  }
  const runtime = draft["workunit.language"] === "python" ? textOf(draft["workunit.runtime"]) : undefined;
  return { language, source: code, runtime };
}

function policyOf(draft: Draft): Parts {
  const kinds = draft["policy.requires.kinds"].split(" ").filter(Boolean);
  return {
    priority: numberOf(draft["policy.priority"]),
    weight: numberOf(draft["policy.weight"]),
    unit_timeout_s: numberOf(draft["policy.unit_timeout_s"]),
    max_failures: numberOf(draft["policy.max_failures"]),
    max_distributors: numberOf(draft["policy.max_distributors"]),
    max_lost: numberOf(draft["policy.max_lost"]),
    when_exhausted: textOf(draft["policy.when_exhausted"]),
    max_redundancy: numberOf(draft["policy.max_redundancy"]),
    max_task_failures: numberOf(draft["policy.max_task_failures"]),
    deadline: momentOf(draft["policy.deadline"]),
    stop_when: draft["policy.stop_when"].trim() || undefined,
    requires: { kinds: JSON.stringify(kinds), memory_mb: numberOf(draft["policy.requires.memory_mb"]) },
  };
}

/** Paths with commas between; `.` is the result itself. */
function aggregatesOf(draft: Draft): Parts | undefined {
  const paths = draft["aggregates.fields"].split(",").map((path) => path.trim());
  const fields = paths.filter((path) => path !== "").map((path) => (path === "." ? "" : path));
  return fields.length > 0 ? { fields: JSON.stringify(fields) } : undefined;
}

/** What a field for date and time holds, in seconds since 1970. */
function momentOf(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  const moment = new Date(text).getTime() / 1000;
  return JSON.stringify(Number.isFinite(moment) ? moment : text);
}

function textOf(value: string): string {
  return JSON.stringify(value);
}

/** Nothing = the server's default; what is no number goes as it is, for the server to refuse by name. */
function numberOf(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  const value = Number(text);
  return JSON.stringify(Number.isFinite(value) ? value : text);
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
  const own = FIELDS.filter(isWithin).sort((a, b) => b.length - a.length)[0];
  return own ?? (path === "" ? undefined : "more");
}

/** Within a field that holds a whole object the place inside it is part of the message. */
function phrase(field: Field, { path, message }: FieldError): string {
  if (field === "more" && path !== "more") return `${path}: ${message}`;
  return path.startsWith(`${field}.`) ? `${path.slice(field.length + 1)}: ${message}` : message;
}
