import { describe, expect, it } from "vitest";
import { csvOf, type Line, rowsOf, stacked, stepped, summaryOf } from "../../src/charts/data";

const LINES: Line[] = [
  { name: "lost", colour: "--retry", values: [null, 1, 0] },
  { name: 'ok, "all"', colour: "--accent", values: [null, 2, null] },
];
const AT = [0, 10, 20];

describe("what a chart shows", () => {
  it("stacks lines on those behind them, and keeps gaps", () => {
    expect(stacked(LINES)).toEqual([
      [null, 3, 0],
      [null, 2, null],
    ]);
  });
  it("has a row for each point that anybody saw, the newest first", () => {
    expect(rowsOf(AT, LINES)).toEqual([
      { at: 20, values: [0, null] },
      { at: 10, values: [1, 2] },
    ]);
  });
  it("is text for a spreadsheet, the oldest first", () => {
    expect(csvOf(AT, LINES)).toBe(
      'time,lost,"ok, ""all"""\n1970-01-01T00:00:10.000Z,1,2\n1970-01-01T00:00:20.000Z,0,\n',
    );
  });
  it("is told in a sentence", () => {
    const empty: Line = { name: "none", colour: "", values: [null] };
    expect(summaryOf("Chart", [...LINES, empty], String)).toBe(
      'Chart. lost: 0 at last, 1 at most; ok, "all": 2 at last, 2 at most; none: nothing yet.',
    );
  });
  it("is gone through with keys, and not left", () => {
    expect(stepped("ArrowLeft", null, 5)).toBe(4);
    expect(stepped("ArrowLeft", 0, 5)).toBe(0);
    expect(stepped("ArrowRight", 4, 5)).toBe(4);
    expect(stepped("PageUp", 3, 50)).toBe(0);
    expect(stepped("Home", 3, 5)).toBe(0);
    expect(stepped("x", 3, 5)).toBeNull();
    expect(stepped("End", null, 0)).toBeNull();
  });
});
