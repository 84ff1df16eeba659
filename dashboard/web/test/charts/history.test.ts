import { expect, it } from "vitest";
import { errorShare, type History, rates } from "../../src/charts/history";

const HISTORY = {
  step: 300,
  ok: [100, 6, null, 2],
  failed: [0, 0, null, 0],
  tries_failed: [50, 0, null, 2],
  invalid: [0, 0, null, 0],
} as unknown as History;

it("divides counts by the seconds that somebody looked", () => {
  expect(rates([10, 0, null, 5], [10, 10, null, 0])).toEqual([1, 0, null, null]);
});

it("tells the share of tries that failed lately, and nothing of none", () => {
  expect(errorShare(HISTORY, 600)).toBe(0.5);
  expect(errorShare(HISTORY, 900)).toBe(0.2);
  expect(errorShare({ ...HISTORY, ok: [null], failed: [null], tries_failed: [null], invalid: [null] })).toBeNull();
});
