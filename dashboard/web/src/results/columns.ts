// Columns of results: what their payloads and results have in common, found from those at hand.

import type { Result } from "../model";

export const MAX_COLUMNS = 200;
const MAX_DEPTH = 3;

export interface Column {
  /** `i`, `seconds`, or where it is: `payload.n`, `result.sum`; `result` when it is a value itself. */
  path: string;
  isNumeric: boolean;
}

export type Flat = Record<string, unknown>;

/** A result as its columns' values; lists and long texts stay what they are. */
export function flat(row: Result): Flat {
  const values: Flat = { i: row.i, seconds: row.seconds };
  spread("payload", row.payload, 1, values);
  spread("result", row.result, 1, values);
  return values;
}

function spread(path: string, value: unknown, depth: number, into: Flat): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > MAX_DEPTH) {
    into[path] = value;
    return;
  }
  for (const [key, part] of Object.entries(value)) spread(`${path}.${key}`, part, depth + 1, into);
}

/** The columns of some rows, in the order in which they were met. */
export function columnsOf(rows: Flat[]): Column[] {
  const numeric = new Map<string, boolean>();
  for (const [path, value] of rows.flatMap((row) => Object.entries(row))) {
    if (numeric.size >= MAX_COLUMNS && !numeric.has(path)) continue;
    const fits = value === null || value === undefined || typeof value === "number";
    numeric.set(path, (numeric.get(path) ?? true) && fits);
  }
  return [...numeric].map(([path, isNumeric]) => ({ path, isNumeric }));
}

/** Sorts by a column, numbers by size and the rest as text; what has none comes last. */
export function sorted(rows: Flat[], path: string, isDown: boolean): Flat[] {
  const sign = isDown ? -1 : 1;
  const [there, missing] = [rows.filter((row) => has(row, path)), rows.filter((row) => !has(row, path))];
  return [...there.sort((one, other) => sign * compared(one[path], other[path])), ...missing];
}

function has(row: Flat, path: string): boolean {
  return row[path] !== undefined && row[path] !== null;
}

function compared(one: unknown, other: unknown): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return textOf(one).localeCompare(textOf(other));
}

export function filtered(rows: Flat[], text: string): Flat[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return rows;
  return rows.filter((row) => Object.values(row).some((value) => textOf(value).toLowerCase().includes(wanted)));
}

export function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** A result never changes, so a page without gaps stays as it is. */
export function isFull(rows: readonly { i: number }[], from: number, size: number): boolean {
  return rows.length > size && rows[size]?.i === from + size;
}
