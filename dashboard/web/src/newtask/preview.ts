// What a payload spec makes, asked of the manager a moment after the last change.

import { useEffect, useState } from "preact/hooks";
import { call, Problem } from "../api";
import type { FieldError } from "../model";
import { itemsOf, membersOf } from "./more";

const AFTER_MS = 400;
/** Bytes of one payload from which a warning is due: every client fetches its payloads. */
const LARGE = 1_000_000;
const MANY = 1_000_000_000;

export interface Preview {
  count: number;
  /** JSON texts, as the manager wrote them: JavaScript's numbers would lose digits. */
  first: string[];
  last: string[];
}

export interface PreviewState {
  preview: Preview | null;
  errors: FieldError[];
  busy: boolean;
}

/** What is shown while it is asked for anew is the last answer: `busy` says that it is of another spec. */
export function usePreview(spec: string): PreviewState {
  const [told, setTold] = useState<PreviewState & { of: string | null }>({
    preview: null,
    errors: [],
    busy: false,
    of: null,
  });
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(() => {
      askFor(spec).then(
        (preview) => isCurrent && setTold({ preview, errors: [], busy: false, of: spec }),
        (error: unknown) => isCurrent && setTold({ preview: null, errors: errorsOf(error), busy: false, of: spec }),
      );
    }, AFTER_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [spec]);
  return { preview: told.preview, errors: told.errors, busy: told.of !== spec };
}

async function askFor(spec: string): Promise<Preview> {
  JSON.parse(spec); // what is no JSON is told in the same words as when the task is made
  return previewOf(await (await call("/api/payloads/preview", { method: "POST", body: spec })).text());
}

export function previewOf(text: string): Preview {
  const members = membersOf(text);
  const list = (name: string) => itemsOf(members?.get(name) ?? "[]") ?? [];
  return { count: Number(members?.get("count") ?? 0), first: list("first"), last: list("last") };
}

function errorsOf(error: unknown): FieldError[] {
  if (error instanceof Problem && error.errors.length > 0) return error.errors;
  const isJson = !(error instanceof SyntaxError);
  return [
    { path: "payloads", message: isJson ? (error as Error).message : `is not JSON: ${(error as Error).message}` },
  ];
}

/** What a person should think about before such a task is made. */
export function warningsOf({ count, first, last }: Preview): string[] {
  const found: string[] = [];
  if (count === 0) found.push("There are no payloads: the task would be done at once.");
  if (count > MANY) found.push("These are very many payloads: larger ones would cost less for each.");
  const largest = Math.max(0, ...[...first, ...last].map((text) => text.length));
  if (largest > LARGE) found.push(`A payload has ${(largest / 1e6).toFixed(1)} MB: every client fetches its own.`);
  if (first.some((text) => membersOf(text)?.has("$file"))) found.push("Payloads are files: units get their bytes.");
  return found;
}
