import { expect, test } from "vitest";
import { COUNTERS, toldOf } from "../../src/task/counters";
import { parseIndex } from "../../src/task/lookup";

test("an index is taken as people type it and as the page writes it", () => {
  expect(parseIndex(" 0 ", 1)).toEqual({ index: 0 });
  expect(parseIndex("1,234,567", 2_000_000)).toEqual({ index: 1_234_567 });
});

test("what is no index of the task is answered with the ones there are", () => {
  for (const text of ["", "-1", "1.5", "one", "1e3", "9".repeat(16)]) {
    expect(parseIndex(text, 10)).toHaveProperty("error", expect.stringContaining("integer"));
  }
  expect(parseIndex("10", 10)).toEqual({ error: "The indexes of this task run from 0 to 9." });
});

test("counters are shown where the manager tells them, zero too", () => {
  expect(toldOf({})).toEqual([]);
  expect(toldOf({ lost: 0, copies: 3 }).map(({ label, value }) => [label, value])).toEqual([
    ["lost", 0],
    ["copies", 3],
  ]);
  expect(COUNTERS.every(({ meaning }) => meaning.endsWith("."))).toBe(true);
});
