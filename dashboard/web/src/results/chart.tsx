// Results as a chart on a canvas, and as the table of its numbers. The shared one (src/charts) draws lines over time, with
// one value at a moment; results have any x, several y at one x, bars and cells, so this one draws by itself.

import { useEffect, useRef, useState } from "preact/hooks";
import * as format from "../format";
import type { Task } from "../model";
import { Trouble } from "../parts";
import { query, setQuery } from "../route";
import { CHART_NAMES, CHARTS, type Chart, type Drawn, drawn, type Scale, tableOf, tick } from "./chart_data";
import { columnsOf, type Flat, flat } from "./columns";
import { readMany } from "./follow";
import { useSlowly } from "./table";

/** Results that a chart is made of, at most, from the first index on. */
const MAX_ROWS = 10_000;
/** Of all that is read: large results fill a browser's memory sooner than many small ones. */
const MAX_CHARACTERS = 16_000_000;
const COLUMNS_FROM = 1_000;
const TABLE_ROWS = 1_000;
const REREAD_MS = 5_000;
const MARGIN = { left: 64, right: 16, top: 12, bottom: 28 };
const HEIGHT = 320;

export function ChartView({ task }: { task: Task }) {
  const { rows, trouble } = useRows(task);
  const [isTable, setTable] = useState(false);
  const columns = columnsOf((rows ?? []).slice(0, COLUMNS_FROM)).filter(({ isNumeric }) => isNumeric);
  const paths = columns.map(({ path }) => path);
  if (rows === null) return <p class="hint">{trouble ?? "Reading…"}</p>;
  if (rows.length === 0) return <p class="hint">No results yet.</p>;
  const asked = query.value;
  const kind = CHARTS.find((each) => each === asked.get("chart")) ?? "scatter";
  const pick = (name: string, fallback: string | undefined) =>
    paths.find((path) => path === asked.get(name)) ?? fallback ?? "i";
  const firstResult = paths.find((path) => path.startsWith("result"));
  const x = pick("x", kind === "histogram" ? firstResult : "i");
  const y = pick("y", firstResult);
  const colour = asked.get("colour") ?? "";
  const chart = drawn(kind, rows, x, y, paths.includes(colour) ? colour : "");
  return (
    <>
      <Trouble text={trouble} />
      <div class="actions charted">
        <Choice label="Chart" value={kind} options={CHARTS.map((each) => [each, CHART_NAMES[each]])} name="chart" />
        <Choice label="x" value={x} options={paths.map(same)} name="x" />
        {kind !== "histogram" && <Choice label="y" value={y} options={paths.map(same)} name="y" />}
        {kind === "heat" && (
          <Choice label="Colour" value={colour} options={[["", "how many"], ...paths.map(same)]} name="colour" />
        )}
        <button type="button" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          As a table
        </button>
      </div>
      <p class="hint" role="status">
        {format.count(rows.length)} of {format.count(task.done)} results, from the first index on; columns found in the
        first {format.count(Math.min(COLUMNS_FROM, rows.length))}
      </p>
      {isTable ? <Numbers chart={chart} /> : <Canvas chart={chart} kind={kind} x={x} y={y} />}
    </>
  );
}

const same = (path: string): [string, string] => [path, path];

function useRows(task: Task) {
  const [rows, setRows] = useState<Flat[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const done = useSlowly(Math.min(task.done, MAX_ROWS), REREAD_MS);
  // more results done is the reason to read again
  useEffect(() => {
    let isCurrent = true;
    readMany(task.id, MAX_ROWS, MAX_CHARACTERS).then(
      (read) => {
        if (!isCurrent) return;
        setRows(read.map(flat));
        setTrouble(null);
      },
      (error: Error) => isCurrent && setTrouble(error.message),
    );
    return () => {
      isCurrent = false;
    };
  }, [task.id, done]);
  return { rows, trouble };
}

interface ChoiceProps {
  label: string;
  value: string;
  options: [value: string, label: string][];
  /** In the address. */
  name: string;
}

function Choice({ label, value, options, name }: ChoiceProps) {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Numbers({ chart }: { chart: Drawn }) {
  const { heads, rows } = tableOf(chart);
  return (
    <>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col" class="right">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, TABLE_ROWS).map((row, at) => (
            <tr key={String(at)}>
              {row.map((value, place) => (
                <td key={String(place)} class="mono right">
                  {typeof value === "number" ? tick(value) : value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > TABLE_ROWS && (
        <p class="hint">
          {format.count(TABLE_ROWS)} of {format.count(rows.length)} rows
        </p>
      )}
    </>
  );
}

function Canvas({ chart, kind, x, y }: { chart: Drawn; kind: Chart; x: string; y: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [isDark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const change = () => setDark(scheme.matches);
    scheme.addEventListener("change", change);
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    if (canvas.current?.parentElement) watcher.observe(canvas.current.parentElement);
    return () => {
      scheme.removeEventListener("change", change);
      watcher.disconnect();
    };
  }, []);
  useEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, chart, width);
  }, [chart, width, isDark]);
  const named = kind === "histogram" ? `Histogram of ${x}` : `${CHART_NAMES[kind]} of ${y} over ${x}`;
  const range = `${x} from ${tick(chart.x.from)} to ${tick(chart.x.to)}, y from ${tick(chart.y.from)} to ${tick(chart.y.to)}`;
  return (
    <div class="result-chart">
      <canvas ref={canvas} role="img" aria-label={`${named}: ${range}`} />
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, chart: Drawn, width: number): void {
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = HEIGHT * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${HEIGHT}px`;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(ratio, ratio);
  const colours = getComputedStyle(canvas);
  const colour = (name: string) => colours.getPropertyValue(name);
  const right = width - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const toX = along(chart.x, MARGIN.left, right);
  const toY = along(chart.y, bottom, MARGIN.top);
  axes(context, chart, { toX, toY, right, bottom, line: colour("--line"), text: colour("--muted") });
  context.fillStyle = context.strokeStyle = colour("--accent");
  marks(context, chart, { toX, toY, bottom, right });
}

const along = (scale: Scale, from: number, to: number) => (value: number) =>
  from + ((value - scale.from) / (scale.to - scale.from)) * (to - from);

interface Frame {
  toX: (value: number) => number;
  toY: (value: number) => number;
  right: number;
  bottom: number;
}

function axes(context: CanvasRenderingContext2D, { x, y }: Drawn, frame: Frame & { line: string; text: string }): void {
  context.strokeStyle = frame.line;
  context.fillStyle = frame.text;
  context.font = "12px system-ui, sans-serif";
  for (let step = 0; step <= 4; step += 1) {
    const atX = x.from + (step * (x.to - x.from)) / 4;
    const atY = y.from + (step * (y.to - y.from)) / 4;
    context.textAlign = step === 4 ? "right" : step === 0 ? "left" : "center";
    context.fillText(tick(atX), frame.toX(atX), frame.bottom + 18);
    context.textAlign = "right";
    context.fillText(tick(atY), MARGIN.left - 6, frame.toY(atY) + 4);
    context.beginPath();
    context.moveTo(MARGIN.left, frame.toY(atY));
    context.lineTo(frame.right, frame.toY(atY));
    context.stroke();
  }
}

function marks(context: CanvasRenderingContext2D, chart: Drawn, frame: Frame): void {
  switch (chart.kind) {
    case "line":
      context.lineWidth = 1.5;
      context.beginPath();
      for (const [x, y] of chart.points) context.lineTo(frame.toX(x), frame.toY(y));
      context.stroke();
      break;
    case "scatter":
      for (const [x, y] of chart.points) context.fillRect(frame.toX(x) - 1.5, frame.toY(y) - 1.5, 3, 3);
      break;
    case "histogram":
      for (const { from, to, count } of chart.bins) {
        const left = frame.toX(from);
        context.fillRect(
          left,
          frame.toY(count),
          Math.max(1, frame.toX(to) - left - 1),
          frame.bottom - frame.toY(count),
        );
      }
      break;
    default:
      cells(context, chart, frame);
  }
}

function cells(context: CanvasRenderingContext2D, chart: Extract<Drawn, { kind: "heat" }>, frame: Frame): void {
  const values = chart.cells.map(({ value }) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const width = (frame.right - MARGIN.left) / chart.columns;
  const height = (frame.bottom - MARGIN.top) / chart.rows;
  for (const { x, y, value } of chart.cells) {
    context.globalAlpha = high > low ? 0.1 + (0.9 * (value - low)) / (high - low) : 1;
    context.fillRect(MARGIN.left + x * width, frame.bottom - (y + 1) * height, Math.ceil(width), Math.ceil(height));
  }
  context.globalAlpha = 1;
}
