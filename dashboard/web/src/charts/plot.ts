// The drawing itself: uPlot with the palette's colours, and a cursor that a key can move too.

import UPlot from "uplot";
import { type Line, stacked } from "./data";

const HEIGHT = 200;
const FILL = 0.28;
/** Pixels beside the axis for ticks and gaps, and for each character at 12 px. */
const AXIS = 16;
const LETTER = 7;
/** Characters for which there is room always: the drawing does not jump with every label. */
const SHORTEST = 6;

export interface Plot {
  /** Shows other numbers, without losing the place of the cursor. */
  update(at: number[], lines: Line[]): void;
  /** Puts the cursor at a point; null takes it away. */
  point(nth: number | null): void;
  end(): void;
}

interface Options {
  isStacked: boolean;
  told: (value: number) => string;
  /** Hears which point the cursor is at, and how far that is from the left, in pixels. */
  onPoint: (nth: number | null, left: number) => void;
}

/** Draws into an element until `end`; follows its width and the palette. */
export function plot(place: HTMLElement, at: number[], lines: Line[], options: Options): Plot {
  let shown = { at, lines };
  let drawn = draw(place, shown.at, shown.lines, options);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function again(): void {
    drawn.destroy();
    drawn = draw(place, shown.at, shown.lines, options);
  }
  dark.addEventListener("change", again);
  const width = new ResizeObserver(() => drawn.setSize({ width: place.clientWidth, height: HEIGHT }));
  width.observe(place);
  return {
    update(nextAt, nextLines) {
      const isSame = nextLines.length === shown.lines.length;
      shown = { at: nextAt, lines: nextLines };
      if (isSame) drawn.setData(dataOf(nextAt, nextLines, options.isStacked));
      else again();
    },
    point(nth) {
      const time = nth === null ? undefined : shown.at[nth];
      drawn.setCursor(time === undefined ? { left: -10, top: -10 } : { left: drawn.valToPos(time, "x"), top: 10 });
    },
    end() {
      dark.removeEventListener("change", again);
      width.disconnect();
      drawn.destroy();
    },
  };
}

function dataOf(at: number[], lines: Line[], isStacked: boolean): UPlot.AlignedData {
  return [at, ...(isStacked ? stacked(lines) : lines.map(({ values }) => values))];
}

function draw(place: HTMLElement, at: number[], lines: Line[], { isStacked, told, onPoint }: Options): UPlot {
  const palette = getComputedStyle(document.documentElement);
  const colour = (name: string) => palette.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  return new UPlot(
    {
      width: Math.max(1, place.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      axes: [
        { ...axis, space: 70 },
        { ...axis, size: (_plot, labels) => widthOf(labels), values: (_plot, splits) => splits.map(told) },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.name,
          stroke: colour(line.colour),
          width: 1.5,
          fill: faded(colour(line.colour)),
          points: { show: false },
        })),
      ],
      bands: isStacked ? lines.slice(1).map((_line, nth) => ({ series: [nth + 1, nth + 2] as [number, number] })) : [],
      hooks: {
        setCursor: [
          (drawn) => {
            const nth = drawn.cursor.idx ?? null;
            const isOff = nth === null || (drawn.cursor.left ?? -1) < 0;
            const time = nth === null ? undefined : drawn.data[0][nth];
            onPoint(
              isOff ? null : nth,
              time === undefined ? 0 : drawn.valToPos(time, "x") + drawn.bbox.left / devicePixelRatio,
            );
          },
        ],
      },
    },
    dataOf(at, lines, isStacked),
    place,
  );
}

/** Room for the longest label beside the axis, with its tick and gap. */
function widthOf(labels: string[] | null): number {
  return AXIS + LETTER * Math.max(SHORTEST, ...(labels ?? []).map(({ length }) => length));
}

function faded(colour: string): string {
  const share = Math.round(FILL * 255)
    .toString(16)
    .padStart(2, "0");
  return /^#[0-9a-f]{6}$/i.test(colour) ? colour + share : colour;
}
