// A chart for everybody: drawn, as a table, as CSV; its cursor follows the mouse and the keys.

import { useEffect, useRef, useState } from "preact/hooks";
import { csvOf, type Line, rowsOf, stepped, summaryOf } from "./data";
import type { Plot } from "./plot";

interface Props {
  title: string;
  /** When each point begins, seconds since 1970. */
  at: number[];
  lines: Line[];
  /** The lines are parts of a whole. */
  isStacked?: boolean;
  told: (value: number) => string;
}

export function Chart({ title, at, lines, isStacked = false, told }: Props) {
  const [isTable, setTable] = useState(false);
  const [copied, setCopied] = useState("");
  const isEmpty = !lines.some(({ values }) => values.some((value) => value !== null));
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(csvOf(at, lines));
      setCopied("Copied.");
    } catch {
      setCopied("The browser does not let this page copy: use the table.");
    }
  }
  return (
    <section class="chart" aria-label={title}>
      <div class="heading">
        <h2>{title}</h2>
        <div class="actions">
          <span class="hint" role="status">
            {copied}
          </span>
          <button type="button" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            Show as table
          </button>
          <button type="button" onClick={() => void copy()}>
            Copy as CSV
          </button>
        </div>
      </div>
      <Legend lines={lines} />
      {isEmpty && <p class="hint">Nothing was recorded in this time yet: the first point comes within ten seconds.</p>}
      {!isEmpty && isTable && <Table title={title} at={at} lines={lines} told={told} />}
      {!isEmpty && !isTable && <Drawn title={title} at={at} lines={lines} isStacked={isStacked} told={told} />}
    </section>
  );
}

function Legend({ lines }: { lines: Line[] }) {
  return (
    <ul class="legend">
      {lines.map(({ name, colour }) => (
        <li key={name}>
          <svg width="12" height="12" aria-hidden="true">
            <rect class={`ink${colour}`} width="12" height="12" rx="2" />
          </svg>
          {name}
        </li>
      ))}
    </ul>
  );
}

function Table({ title, at, lines, told }: Pick<Props, "title" | "at" | "lines" | "told">) {
  return (
    <section class="scrolled" aria-label={`${title}, as a table`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <div class="rows" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {lines.map(({ name }) => (
                <th scope="col" key={name} class="right">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rowsOf(at, lines).map((row) => (
              <tr key={row.at}>
                <th scope="row" class="mono">
                  {new Date(row.at * 1000).toLocaleString()}
                </th>
                {row.values.map((value, nth) => (
                  <td key={lines[nth]?.name} class="mono right">
                    {value === null ? "–" : told(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Drawn({ title, at, lines, isStacked, told }: Required<Props>) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Plot | null>(null);
  const newest = useRef({ at, lines, told });
  newest.current = { at, lines, told };
  const [point, setPoint] = useState<{ nth: number; left: number } | null>(null);
  useEffect(() => {
    let isOver = false;
    void import("./plot").then(({ plot }) => {
      if (isOver || !place.current) return;
      drawn.current = plot(place.current, newest.current.at, newest.current.lines, {
        isStacked,
        told: (value) => newest.current.told(value),
        onPoint: (nth, left) => setPoint(nth === null ? null : { nth, left }),
      });
    });
    return () => {
      isOver = true;
      drawn.current?.end();
      drawn.current = null;
    };
  }, [isStacked]);
  useEffect(() => drawn.current?.update(at, lines), [at, lines]);
  function onKeyDown(event: KeyboardEvent): void {
    const next = event.key === "Escape" ? null : stepped(event.key, point?.nth ?? null, at.length);
    if (next === null && event.key !== "Escape") return;
    event.preventDefault();
    drawn.current?.point(next);
  }
  return (
    <div
      class="drawing"
      role="slider"
      tabIndex={0}
      aria-label={summaryOf(title, lines, told)}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, at.length - 1)}
      aria-valuenow={point?.nth ?? Math.max(0, at.length - 1)}
      aria-valuetext={point ? pointText(point.nth, at, lines, told) : "the arrow keys go from point to point"}
      onKeyDown={onKeyDown}
      onBlur={() => drawn.current?.point(null)}
    >
      <div ref={place} class="canvas" />
      {point && (
        <Tip left={point.left} width={place.current?.clientWidth ?? 0} nth={point.nth} {...{ at, lines, told }} />
      )}
    </div>
  );
}

function pointText(nth: number, at: number[], lines: Line[], told: (value: number) => string): string {
  const time = new Date((at[nth] ?? 0) * 1000).toLocaleTimeString();
  const values = lines.map(({ name, values: own }) => `${name} ${valueText(own[nth], told)}`);
  return `${time}: ${values.join(", ")}`;
}

function valueText(value: number | null | undefined, told: (value: number) => string): string {
  return value === null || value === undefined ? "unknown" : told(value);
}

interface TipProps extends Pick<Props, "at" | "lines" | "told"> {
  left: number;
  width: number;
  nth: number;
}

function Tip({ left, width, nth, at, lines, told }: TipProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tip = box.current;
    // Set through the object model: the policy forbids style attributes.
    if (tip) tip.style.left = `${Math.max(0, Math.min(left + 12, width - tip.offsetWidth))}px`;
  });
  return (
    <div ref={box} class="chart-tip" aria-hidden="true">
      <p class="mono">{new Date((at[nth] ?? 0) * 1000).toLocaleString()}</p>
      {lines.map(({ name, colour, values }) => (
        <p key={name}>
          <svg width="10" height="10" aria-hidden="true">
            <rect class={`ink${colour}`} width="10" height="10" rx="2" />
          </svg>{" "}
          {name} <span class="mono">{valueText(values[nth], told)}</span>
        </p>
      ))}
    </div>
  );
}
