/**
 * Errors of units as their submitter should read them.
 *
 * Rule: a stack trace shows places in the work unit only; frames of the runtime and of the engine are left out.
 */

import * as p from "./primordials";
import { ValueError } from "./values";

/** What the unit's source is called in stack traces. */
export const UNIT_FILE = "workunit.js";

const MAX_ERROR_CHARS = 4_000;
const BLOB_URL = /blob:[^\s()]+?(?=:\d|\s|$)/gu;
/** This bundle's own blob. */
const RUNTIME_URL = p.exec(/blob:[^\s()]+?(?=:\d+:\d+)/u, new Error("here").stack ?? "")?.[0] ?? "";

export function describe(error: unknown): string {
  let text: string;
  try {
    text = error instanceof Error ? withStack(error) : p.StringOf(error);
  } catch {
    text = "an error that cannot be shown";
  }
  return p.slice(text, 0, MAX_ERROR_CHARS);
}

function withStack(error: Error): string {
  let text = p.replace(p.StringOf(error), BLOB_URL, UNIT_FILE);
  const { stack } = error;
  if (error instanceof ValueError) return error.message;
  if (typeof stack !== "string") return text;
  const lines = p.split(stack, "\n");
  for (let i = 0; i < lines.length; i++) {
    const place = unitPlace(lines[i] as string);
    if (place !== null) text += `\n    at ${place}`;
  }
  return text;
}

/** Where in the work unit a stack line points to, or null for lines of the runtime and of the engine. */
function unitPlace(line: string): string | null {
  // Deno names an evaluated script <anonymous> and a module by its blob; browsers take the name that the source gives itself.
  const at = p.exec(/(?:workunit\.js|<anonymous>|(blob:[^\s()]+?)):(\d+:\d+)\)?$/u, line);
  if (at === null || at[1] === RUNTIME_URL) return null;
  const name = p.exec(/^\s*at (?:async )?([\w$.<>]+) /u, line)?.[1] ?? p.exec(/^([\w$./<>]+)@/u, line)?.[1];
  const place = `${UNIT_FILE}:${at[2] ?? ""}`;
  return name === undefined || name === "eval" ? place : `${name} (${place})`;
}
