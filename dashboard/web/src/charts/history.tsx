// The history that the manager keeps, as charts: of all tasks, or of one.

import { useMemo } from "preact/hooks";
import * as format from "../format";
import { usePolled } from "../polling";
import { query, setQuery } from "../route";
import { Chart } from "./chart";
import type { Line } from "./data";

export interface History {
  since: number;
  step: number;
  seconds: (number | null)[];
  ok: (number | null)[];
  failed: (number | null)[];
  tries_failed: (number | null)[];
  lost: (number | null)[];
  invalid: (number | null)[];
  clients: Record<string, (number | null)[]>;
  slots: (number | null)[];
  queue: (number | null)[];
  left_out: number;
  is_left_out: boolean;
}

const SPANS: [string, string][] = [
  ["1h", "1 hour"],
  ["6h", "6 hours"],
  ["2d", "2 days"],
  ["90d", "90 days"],
];
/** The manager adds a point every ten seconds. */
const EVERY_MS = 10_000;
const KIND_NAMES: Record<string, string> = { web: "browsers", cli: "machines", other: "others" };
const KIND_COLOURS: Record<string, string> = { web: "--running", cli: "--accent", other: "--paused" };

export function spanOf(): string {
  const wanted = query.value.get("span") ?? "";
  return SPANS.some(([span]) => span === wanted) ? wanted : "1h";
}

export function useHistory(base: string) {
  return usePolled<History>(`${base}/history?span=${spanOf()}`, EVERY_MS);
}

export function Spans() {
  const chosen = spanOf();
  return (
    <fieldset class="choices">
      <legend class="unseen">How far back</legend>
      {SPANS.map(([span, name]) => (
        <button
          type="button"
          key={span}
          aria-pressed={span === chosen}
          onClick={() => setQuery({ span: span === "1h" ? "" : span }, { keep: true })}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}

/** Counts as numbers a second. */
export function rates(counts: (number | null)[], seconds: (number | null)[]): (number | null)[] {
  return counts.map((count, nth) => {
    const time = seconds[nth] ?? 0;
    return count === null || time <= 0 ? null : count / time;
  });
}

export function outcomes(history: History): Line[] {
  const line = (name: string, colour: string, counts: (number | null)[]): Line => ({
    name,
    colour,
    values: rates(counts, history.seconds),
  });
  return [
    line("outvoted", "--paused", history.invalid),
    line("lost", "--retry", history.lost),
    line("failed", "--failed", history.tries_failed),
    line("ok", "--accent", history.ok),
  ];
}

export function timesOf({ since, step, seconds }: Pick<History, "since" | "step" | "seconds">): number[] {
  return seconds.map((_second, nth) => since + nth * step);
}

/** Tries that failed among all tries of the last ten minutes; null when there were none. */
export function errorShare(history: History, within_s = 600): number | null {
  const points = Math.ceil(within_s / history.step);
  const sum = (values: (number | null)[]) =>
    values.slice(-points).reduce((total: number, one) => total + (one ?? 0), 0);
  const bad = sum(history.tries_failed) + sum(history.failed) + sum(history.invalid);
  const all = bad + sum(history.ok);
  return all === 0 ? null : bad / all;
}

export function Throughput({ history, title }: { history: History; title: string }) {
  const at = useMemo(() => timesOf(history), [history]);
  const lines = useMemo(() => outcomes(history), [history]);
  return <Chart title={title} at={at} lines={lines} isStacked told={format.rate} />;
}

export function Clients({ history }: { history: History }) {
  const at = useMemo(() => timesOf(history), [history]);
  const lines = useMemo(() => {
    const kinds = Object.entries(history.clients).filter(
      ([kind, values]) => kind !== "other" || values.some((value) => (value ?? 0) > 0),
    );
    return kinds.map(([kind, values]) => ({
      name: KIND_NAMES[kind] ?? kind,
      colour: KIND_COLOURS[kind] ?? "--queued",
      values,
    }));
  }, [history]);
  return <Chart title="Clients" at={at} lines={lines} isStacked told={whole} />;
}

export function Queue({ history, title }: { history: History; title: string }) {
  const at = useMemo(() => timesOf(history), [history]);
  const lines = useMemo(() => [{ name: "open payloads", colour: "--running", values: history.queue }], [history]);
  return <Chart title={title} at={at} lines={lines} told={whole} />;
}

function whole(value: number): string {
  return Number.isInteger(value) ? format.count(value) : value.toFixed(1);
}
