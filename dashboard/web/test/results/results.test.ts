import { expect, test } from "vitest";
import { drawn, tableOf, tick } from "../../src/results/chart_data";
import { columnsOf, filtered, flat, isFull, sorted } from "../../src/results/columns";
import { rowsOf } from "../../src/results/follow";
import { tileOf } from "../../src/results/tiles";

const place = { x: 2, y: 3, w: 2, h: 1 };
const pixels = (...bytes: number[]) => btoa(String.fromCharCode(...bytes));

test("a tile is grey, colour, or colour with alpha, by the number of its bytes", () => {
  expect([...(tileOf({ ...place, pixels: pixels(7, 8) })?.rgba ?? [])]).toEqual([7, 7, 7, 255, 8, 8, 8, 255]);
  const colour = tileOf({ ...place, width: 10, height: 10, pixels: pixels(1, 2, 3, 4, 5, 6) });
  expect(colour).toMatchObject({ width: 10, height: 10, x: 2, y: 3 });
  expect([...(colour?.rgba ?? [])]).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
  const alpha = tileOf({ ...place, pixels: { $base64: pixels(1, 2, 3, 4, 5, 6, 7, 8) } });
  expect(alpha).toMatchObject({ width: 4, height: 4 });
  expect([...(alpha?.rgba ?? [])]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test.each([
  null,
  5,
  {},
  { ...place },
  { ...place, pixels: "%" },
  { ...place, pixels: pixels(1) },
  { ...place, pixels: pixels(1, 2, 3, 4) },
  { ...place, x: -1, pixels: pixels(1, 2) },
  { ...place, x: 4095, pixels: pixels(1, 2) },
  { ...place, w: 1e9, pixels: pixels(1, 2) },
])("what is no tile is none: %j", (result) => expect(tileOf(result)).toBeNull());

const rows = rowsOf(
  '{"i":0,"payload":{"n":1},"result":{"sum":10,"deep":{"er":"x"}},"client":"c","seconds":1}\n\n' +
    '{"i":1,"payload":{"n":2},"result":{"sum":9,"list":[1]},"client":"c","seconds":2}\n' +
    '{"i":2,"payload":{"n":3},"result":"text","client":"c","seconds":3}\n',
).map(flat);

test("columns are found in payloads and results", () => {
  expect(columnsOf(rows)).toEqual([
    { path: "i", isNumeric: true },
    { path: "seconds", isNumeric: true },
    { path: "payload.n", isNumeric: true },
    { path: "result.sum", isNumeric: true },
    { path: "result.deep.er", isNumeric: false },
    { path: "result.list", isNumeric: false },
    { path: "result", isNumeric: false },
  ]);
});

test("rows are sorted by size, those without a value last, and found by any text", () => {
  expect(sorted(rows, "result.sum", false).map((row) => row.i)).toEqual([1, 0, 2]);
  expect(sorted(rows, "result.sum", true).map((row) => row.i)).toEqual([0, 1, 2]);
  expect(filtered(rows, " TEXT").map((row) => row.i)).toEqual([2]);
  expect(filtered(rows, "")).toHaveLength(3);
});

const numbers = [3, 1, 2, 2].map((n, i) => ({ i, n, twice: 2 * n, text: "x" }));

test("points are those with both numbers; a line goes from left to right", () => {
  const line = drawn("line", numbers, "n", "twice", "");
  expect(line).toMatchObject({ x: { from: 1, to: 3 }, y: { from: 2, to: 6 } });
  expect(tableOf(line).rows).toEqual([
    [1, 2],
    [2, 4],
    [2, 4],
    [3, 6],
  ]);
  expect(tableOf(drawn("scatter", numbers, "n", "text", "")).rows).toEqual([]);
});

test("a histogram counts every value once, the largest one too", () => {
  const bins = tableOf(drawn("histogram", numbers, "n", "", "")).rows;
  expect(bins.map(([, , count]) => count)).toEqual([1, 3]);
  expect(tableOf(drawn("histogram", [{ n: 5 }], "n", "", "")).rows).toEqual([[4.5, 5.5, 1]]);
});

test("a heat map has the mean of each cell, or how many fall into it", () => {
  const rows = [
    { x: 0, y: 0, v: 1 },
    { x: 0, y: 0, v: 3 },
    { x: 1, y: 1, v: 5 },
  ];
  expect(tableOf(drawn("heat", rows, "x", "y", "v")).rows.map(([, , value]) => value)).toEqual([2, 5]);
  expect(tableOf(drawn("heat", rows, "x", "y", "")).rows.map(([, , value]) => value)).toEqual([2, 1]);
});

test("numbers beside an axis are short", () => {
  expect([0.1 + 0.2, 12345678, 1e-9, 0].map(tick)).toEqual(["0.3", "1.23e+7", "1.00e-9", "0"]);
});

test("a page of the table is full when the next page's first row follows without a gap", () => {
  const rows = (first: number, count: number) => Array.from({ length: count }, (_, at) => ({ i: first + at }));
  expect(isFull(rows(0, 26), 0, 25)).toBe(true);
  expect(isFull(rows(25, 26), 25, 25)).toBe(true);
  expect(isFull([], 0, 25)).toBe(false);
  expect(isFull(rows(0, 25), 0, 25)).toBe(false);
  expect(isFull([...rows(0, 3), ...rows(4, 23)], 0, 25)).toBe(false);
  expect(isFull(rows(1, 26), 0, 25)).toBe(false);
});
