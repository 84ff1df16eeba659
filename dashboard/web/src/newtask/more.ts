// Parts of a document put together as text: what was typed as JSON goes as it was typed, since numbers beyond what
// JavaScript keeps exactly, 1.0 and the order of keys would change on the way through its values.

import type { FieldError } from "../model";

/** The fields of a document, each as JSON text, as fields of its own, or left out. */
export interface Parts {
  [name: string]: string | Parts | undefined;
}

const PIECE = /"(?:[^"\\]|\\.)*"|[[{\]},]|[^"[\]{},]+/g;
const MEMBER = /^\s*("(?:[^"\\]|\\.)*")\s*:\s*(.*?)\s*$/s;
const DEEPER: Record<string, number> = { "{": 1, "[": 1, "}": -1, "]": -1 };

/** Splits JSON text into the fields of the object that it is; undefined when it is something else. */
export function membersOf(text: string): Map<string, string> | undefined {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const members = new Map<string, string>();
  for (const member of divided(inner)) {
    const [, name = "", value = ""] = MEMBER.exec(member) ?? [];
    if (name !== "") members.set(JSON.parse(name) as string, value);
  }
  return members;
}

/** Divides text at the commas that stand within no brackets and no quotes. */
function divided(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const [piece] of text.matchAll(PIECE)) {
    depth += DEEPER[piece] ?? 0;
    if (piece === "," && depth === 0) parts.push("");
    else parts.push((parts.pop() ?? "") + piece);
  }
  return parts;
}

/** Returns both in one JSON text. What both say is told by its path: nobody could know which one was meant. */
export function joined(parts: Parts, more: Map<string, string>, clashes: FieldError[], place = ""): string {
  const left = new Map(more);
  for (const [name, part] of Object.entries(parts)) {
    if (part === undefined) continue;
    const inside = membersOf(left.get(name) ?? "{}");
    if (left.has(name) && (typeof part === "string" || !inside)) {
      clashes.push({ path: "more", message: `${place}${name} has a field of its own above` });
    }
    left.set(name, typeof part === "string" ? part : joined(part, inside ?? new Map(), clashes, `${place}${name}.`));
  }
  return `{${[...left].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

/** Splits JSON text into the items of the list that it is, each as it was written; undefined when it is something else. */
export function itemsOf(text: string): string[] | undefined {
  const inner = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  return inner.trim() === "" ? [] : divided(inner).map((item) => item.trim());
}
