// The index that somebody typed to look a payload up.

import * as format from "../format";

/** Returns the index, or why there is no such payload. Separators as the page writes them are let pass. */
export function parseIndex(text: string, total: number): { index: number } | { error: string } {
  const digits = text.trim().replaceAll(",", "");
  if (!/^\d{1,15}$/.test(digits)) return { error: "Type an index: an integer from 0 on." };
  const index = Number(digits);
  if (index >= total) return { error: `The indexes of this task run from 0 to ${format.count(total - 1)}.` };
  return { index };
}
