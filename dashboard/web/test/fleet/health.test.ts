import { expect, test } from "vitest";
import { spaceLevel, troubled, warningsOf } from "../../src/fleet/health";

test("a distributor that is well has no warnings, whatever an older manager leaves out", () => {
  expect(warningsOf({ state: "online" })).toEqual([]);
  expect(warningsOf({ state: "online", durability: "full", space: 0.79, trouble: "" })).toEqual([]);
});

test("durability other than full is told in the distributor's own sentence", () => {
  const durability = "The cache writes to disk once a second only.";
  expect(warningsOf({ state: "online", durability })).toEqual([durability]);
});

test("space is a warning from 80 % on and says what follows from it", () => {
  expect([0, 0.79, 0.8, 0.94, 0.95, 1].map(spaceLevel)).toEqual(["fine", "fine", "warning", "warning", "full", "full"]);
  expect(warningsOf({ state: "online", space: 0.8 })[0]).toMatch(/no more work/);
  expect(warningsOf({ state: "online", space: 0.95 })[0]).toMatch(/no more results/);
});

test("a refused distributor says why, and one that is online although a namesake was refused stays online", () => {
  expect(warningsOf({ state: "refused", trouble: "version: too old" })).toEqual(["Not let in: version: too old"]);
  expect(warningsOf({ state: "refused" })[0]).toMatch(/no reason/);
  expect(warningsOf({ state: "online", trouble: "identity: another key" })[0]).toMatch(/last tried/);
});

test("distributors are counted once, however many warnings they have", () => {
  expect(troubled([{ state: "online" }, { state: "refused", space: 0.9 }, { state: "online", space: 1 }])).toBe(2);
});
