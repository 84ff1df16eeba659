// Results of a task as table, chart or image, as the address says; and its failures.

import { useEffect, useState } from "preact/hooks";
import { callJson } from "../api";
import * as format from "../format";
import type { Task } from "../model";
import { Trouble } from "../parts";
import { query, setQuery } from "../route";
import { ChartView } from "./chart";
import { readResults } from "./follow";
import { ImageView } from "./image";
import { TableView, useSlowly } from "./table";
import { tileOf } from "./tiles";

const FAILURES = 25;
/** While failures come in they are read again at most this often. */
const REREAD_MS = 2_000;
const VIEWS = [
  ["table", "Table"],
  ["chart", "Chart"],
  ["image", "Image"],
] as const;
type View = (typeof VIEWS)[number][0];

interface Failure {
  i: number;
  payload: unknown;
  errors: string[];
}

export function Results({ task }: { task: Task }) {
  const view = useView(task);
  const base = `/api/tasks/${encodeURIComponent(task.id)}/results`;
  return (
    <section aria-labelledby="results">
      <div class="heading">
        <h2 id="results">Results</h2>
        <span class="actions">
          <a href={`${base}?format=ndjson`} download={`${task.id}.ndjson`}>
            NDJSON
          </a>
          <a href={`${base}?format=csv`} download={`${task.id}.csv`}>
            CSV
          </a>
        </span>
      </div>
      <fieldset class="kinds" aria-label="Results as">
        {VIEWS.map(([value, name]) => (
          <label key={value} class="tick">
            <input
              type="radio"
              name="results-view"
              checked={view === value}
              onChange={() => setQuery({ view: value })}
            />{" "}
            {name}
          </label>
        ))}
      </fieldset>
      {view === "table" && <TableView task={task} />}
      {view === "chart" && <ChartView task={task} />}
      {view === "image" && <ImageView task={task} />}
    </section>
  );
}

/** What the address says; else a picture if the first result is a part of one, and a table if not. */
function useView(task: Task): View {
  const chosen = query.value.get("view");
  const [isPicture, setPicture] = useState(false);
  const hasResults = task.done > 0;
  useEffect(() => {
    if (!hasResults) return;
    readResults(task.id, 0, 1).then(
      ([first]) => setPicture(first !== undefined && tileOf(first.result) !== null),
      () => undefined, // the view itself tells what is wrong
    );
  }, [task.id, hasResults]);
  return VIEWS.find(([value]) => value === chosen)?.[0] ?? (isPicture ? "image" : "table");
}

export function Failures({ task }: { task: Task }) {
  const [failures, setFailures] = useState<Failure[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const failed = useSlowly(task.failed, REREAD_MS);
  useEffect(() => {
    if (failed === 0) return;
    readFailures(task.id).then(setFailures, (error: Error) => setTrouble(error.message));
  }, [task.id, failed]);
  if (task.failed === 0) return null;
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">Failed payloads</h2>
      <Trouble text={trouble} />
      <ul class="failures">
        {failures?.map((failure) => (
          <li key={failure.i}>
            <span>
              Payload #{format.count(failure.i)}: <code>{format.brief(failure.payload)}</code>
            </span>
            <pre>{failure.errors.join("\n")}</pre>
          </li>
        ))}
      </ul>
      {failures && failures.length < task.failed && (
        <p class="hint">
          {format.count(failures.length)} of {format.count(task.failed)} shown
        </p>
      )}
    </section>
  );
}

async function readFailures(id: string): Promise<Failure[]> {
  const page = await callJson<{ items: Failure[] }>(`/api/tasks/${encodeURIComponent(id)}/failures?limit=${FAILURES}`);
  return page.items;
}
