import { expect, test } from "vitest";
import * as format from "../src/format";

test("counts are exact, with separators", () => {
  expect(format.count(1_000_000_000)).toBe("1,000,000,000");
});

test("a noun is in the number that fits", () => {
  expect([0, 1, 1000].map((number) => format.many(number, "slot"))).toEqual(["0 slots", "1 slot", "1,000 slots"]);
});

test("a share never rounds up to done", () => {
  expect(format.percent(999_999, 1_000_000)).toBe("99 %");
  expect(format.percent(1_000_000, 1_000_000)).toBe("100 %");
  expect(format.percent(1, 1_000)).toBe("0.1 %");
  expect(format.percent(0, 0)).toBe("0 %");
});

test("rates choose their unit", () => {
  expect([1234.5, 5, 0.5, 0.001, 0, null].map(format.rate)).toEqual([
    "1,235/s",
    "5.0/s",
    "30.0/min",
    "3.6/h",
    "0/s",
    "–",
  ]);
});

test("durations choose their unit", () => {
  expect([0.2, 59, 90, 3_700, 200_000, -1, Number.NaN, null].map(format.duration)).toEqual([
    "1 s",
    "59 s",
    "2 min",
    "1 h 2 min",
    "2 days",
    "–",
    "–",
    "–",
  ]);
});

test("run times keep what is below a second", () => {
  expect([0.0123, 2.5, null].map(format.runTime)).toEqual(["12.3 ms", "2.50 s", "–"]);
});

test("a value too long for a cell is cut and says how long it is", () => {
  expect(format.brief({ a: 1 })).toBe('{"a":1}');
  expect(format.brief("x".repeat(300), 10)).toBe('"xxxxxxxxx… (302 characters)');
});
