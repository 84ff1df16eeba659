// A task's document as a draft: "clone & edit". What the form has no field for goes, as it is written, into the field More.

import { call } from "../api";
import { type Draft, EMPTY } from "./draft";
import { membersOf } from "./more";

const NUMBERS = [
  "priority",
  "weight",
  "unit_timeout_s",
  "max_failures",
  "max_distributors",
  "max_lost",
  "max_redundancy",
  "max_task_failures",
] as const;
/** What a document says when nobody asked for anything: it need not be said again. */
const DEFAULTS: Record<string, string> = {
  redundancy: "1",
  verify: '"fixed"',
  compare: '"exact"',
  max_task_failures: "null",
  deadline: "null",
  stop_when: "null",
  stall_s: "600.0",
  max_result_bytes: "8388608",
  max_log_bytes: "65536",
  one_per_machine: "false",
  tags: "[]",
  description: '""',
  public: "false",
  webhooks: "[]",
  aggregates: "null",
  memory_mb: "64",
};

/** Reads a task's document, and its code, into a draft. */
export async function draftOf(id: string): Promise<Draft> {
  const text = await (await call(`/api/tasks/${encodeURIComponent(id)}/document`)).text();
  const draft = documentDraft(text);
  if (draft.wasmHash === "" || draft["workunit.language"] === "wasm") return draft;
  const source = await (await call(`/api/workunits/${draft.wasmHash}`)).text();
  return { ...draft, "workunit.source": source, wasmHash: "" };
}

/** A canonical document as a draft; the code's hash is in `wasmHash`, whatever its language. */
export function documentDraft(text: string): Draft {
  const document = membersOf(text) ?? new Map<string, string>();
  const unit = taken(document, "workunit");
  const policy = taken(document, "policy");
  const requires = taken(policy, "requires");
  const draft: Draft = {
    ...EMPTY,
    name: textIn(document, "name"),
    payloads: pulled(document, "payloads") ?? EMPTY.payloads,
    "workunit.language": textIn(unit, "language"),
    "workunit.runtime": textIn(unit, "runtime") || EMPTY["workunit.runtime"],
    "workunit.output": textIn(unit, "output") || EMPTY["workunit.output"],
    "workunit.clock": textIn(unit, "clock") || EMPTY["workunit.clock"],
    wasmHash: textIn(unit, "sha256"),
    wasmName: "",
  };
  for (const name of NUMBERS) draft[`policy.${name}`] = numberIn(policy, name);
  draft["policy.when_exhausted"] = textIn(policy, "when_exhausted") || EMPTY["policy.when_exhausted"];
  draft["policy.requires.kinds"] = (JSON.parse(pulled(requires, "kinds") ?? "[]") as string[]).join(" ");
  draft["policy.requires.memory_mb"] = numberIn(requires, "memory_mb");
  draft["policy.stop_when"] = numberIn(policy, "stop_when");
  if (requires.size > 0) put(policy, "requires", requires);
  if (policy.size > 0) put(document, "policy", policy);
  draft.more = rest(document);
  return draft;
}

function pulled(from: Map<string, string>, name: string): string | undefined {
  const value = from.get(name);
  from.delete(name);
  return value;
}

function taken(from: Map<string, string>, name: string): Map<string, string> {
  return membersOf(pulled(from, name) ?? "{}") ?? new Map();
}

function textIn(from: Map<string, string>, name: string): string {
  const value: unknown = JSON.parse(pulled(from, name) ?? '""');
  return typeof value === "string" ? value : "";
}

/** JSON text as it stands; null is nothing. */
function numberIn(from: Map<string, string>, name: string): string {
  const value = pulled(from, name) ?? "";
  return value === "null" ? "" : value;
}

function put(into: Map<string, string>, name: string, members: Map<string, string>): void {
  const text = rest(members);
  if (text !== "") into.set(name, text);
}

/** What is left and is not as it would be anyway. */
function rest(members: Map<string, string>): string {
  const left = [...members].filter(([name, value]) => DEFAULTS[name] !== value);
  return left.length === 0 ? "" : `{${left.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`;
}
