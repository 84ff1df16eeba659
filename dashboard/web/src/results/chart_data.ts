// Points of a chart, from columns of results: pure, and bounded by what was loaded.

import type { Flat } from "./columns";

export const CHARTS = ["line", "scatter", "histogram", "heat"] as const;
export type Chart = (typeof CHARTS)[number];
export const CHART_NAMES: Record<Chart, string> = {
  line: "Line",
  scatter: "Scatter",
  histogram: "Histogram",
  heat: "Heat map",
};
const MAX_BINS = 40;
const MAX_CELLS = 100;

export interface Scale {
  from: number;
  to: number;
}

export type Drawn =
  | { kind: "line" | "scatter"; points: [x: number, y: number][]; x: Scale; y: Scale }
  | { kind: "histogram"; bins: { from: number; to: number; count: number }[]; x: Scale; y: Scale }
  | {
      kind: "heat";
      cells: { x: number; y: number; value: number; count: number }[];
      columns: number;
      rows: number;
      x: Scale;
      y: Scale;
    };

function scaleOf(values: number[]): Scale {
  let [from, to] = [Infinity, -Infinity];
  for (const value of values) {
    from = Math.min(from, value);
    to = Math.max(to, value);
  }
  if (from > to) return { from: 0, to: 1 };
  return from === to ? { from: from - 0.5, to: to + 0.5 } : { from, to };
}

/** Rows as numbers; those where one is missing are left out. */
function numbersOf(rows: Flat[], paths: string[]): number[][] {
  const all = rows.map((row) => paths.map((path) => row[path]));
  return all.filter((each): each is number[] => each.every((value) => typeof value === "number"));
}

/** What a chart of some columns shows; `colour` is the column of a heat map's cells, or nothing: how many there are. */
export function drawn(kind: Chart, rows: Flat[], x: string, y: string, colour: string): Drawn {
  if (kind === "histogram") return histogram(numbersOf(rows, [x]).map(([value = 0]) => value));
  if (kind === "heat") return heat(numbersOf(rows, colour === "" ? [x, y] : [x, y, colour]));
  const points = numbersOf(rows, [x, y]) as [number, number][];
  if (kind === "line") points.sort(([one], [other]) => one - other);
  return { kind, points, x: scaleOf(points.map(([at]) => at)), y: scaleOf(points.map(([, at]) => at)) };
}

function histogram(values: number[]): Drawn {
  const x = scaleOf(values);
  const count = Math.max(1, Math.min(MAX_BINS, Math.ceil(Math.sqrt(values.length))));
  const width = (x.to - x.from) / count;
  const bins = Array.from({ length: count }, (_, at) => ({
    from: x.from + at * width,
    to: x.from + (at + 1) * width,
    count: 0,
  }));
  for (const value of values) {
    const bin = bins[placeIn(x, value, count)];
    if (bin) bin.count += 1;
  }
  return { kind: "histogram", bins, x, y: { from: 0, to: Math.max(1, ...bins.map((bin) => bin.count)) } };
}

/** Cells of a raster, as fine as there are different values: the mean of what falls into each, or how many do. */
function heat(rows: number[][]): Drawn {
  const x = scaleOf(rows.map(([at = 0]) => at));
  const y = scaleOf(rows.map(([, at = 0]) => at));
  const distinct = (column: number) => new Set(rows.map((row) => row[column])).size;
  const sideOf = (column: number) => Math.max(1, Math.min(MAX_CELLS, distinct(column)));
  const [columns, lines] = [sideOf(0), sideOf(1)];
  const cells = new Map<number, { x: number; y: number; value: number; count: number }>();
  for (const [atX = 0, atY = 0, value] of rows) {
    const [column, line] = [placeIn(x, atX, columns), placeIn(y, atY, lines)];
    const cell = cells.get(line * columns + column) ?? { x: column, y: line, value: 0, count: 0 };
    cell.count += 1;
    cell.value += value === undefined ? 1 : (value - cell.value) / cell.count;
    cells.set(line * columns + column, cell);
  }
  return { kind: "heat", cells: [...cells.values()], columns, rows: lines, x, y };
}

function placeIn({ from, to }: Scale, value: number, count: number): number {
  return Math.min(count - 1, Math.floor(((value - from) / (to - from)) * count));
}

/** Short numbers beside an axis. */
export function tick(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3)) return value.toExponential(2);
  return String(Number(value.toPrecision(5)));
}

/** The numbers of a chart, for its table. */
export function tableOf(chart: Drawn): { heads: string[]; rows: (number | string)[][] } {
  switch (chart.kind) {
    case "histogram":
      return { heads: ["From", "Below", "Results"], rows: chart.bins.map((bin) => [bin.from, bin.to, bin.count]) };
    case "heat": {
      const at = ({ from, to }: Scale, place: number, side: number) => from + ((place + 0.5) * (to - from)) / side;
      const rows = chart.cells.map((cell) => [
        at(chart.x, cell.x, chart.columns),
        at(chart.y, cell.y, chart.rows),
        cell.value,
        cell.count,
      ]);
      return { heads: ["x about", "y about", "Value", "Results"], rows };
    }
    default:
      return { heads: ["x", "y"], rows: chart.points };
  }
}
