// Results and failures of a task, page by page, in index order.

import { useEffect, useState } from "preact/hooks";
import { call, callJson } from "../api";
import * as format from "../format";
import type { Result, Task } from "../model";
import { Trouble } from "../parts";

const PAGE = 25;
/** While results come in the shown page is read again at most this often. */
const REREAD_MS = 2_000;

interface Failure {
  i: number;
  payload: unknown;
  errors: string[];
}

export function Results({ task }: { task: Task }) {
  const [starts, setStarts] = useState<number[]>([0]);
  const from = starts.at(-1) ?? 0;
  const { rows, trouble } = useResults(task, from);
  const page = rows?.slice(0, PAGE) ?? [];
  const next = rows?.[PAGE]?.i;
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
      <Trouble text={trouble} />
      {page.length > 0 ? <ResultTable rows={page} /> : <p class="hint">{rows ? "No results yet." : "Reading…"}</p>}
      <nav class="pager" aria-label="Pages of results">
        <span class="mono">
          {format.count((starts.length - 1) * PAGE + (page.length ? 1 : 0))}–
          {format.count((starts.length - 1) * PAGE + page.length)} of {format.count(task.done)}
        </span>
        <button type="button" disabled={starts.length === 1} onClick={() => setStarts(starts.slice(0, -1))}>
          Back
        </button>
        <button
          type="button"
          disabled={next === undefined}
          onClick={() => next !== undefined && setStarts([...starts, next])}
        >
          Next
        </button>
      </nav>
    </section>
  );
}

function useResults(task: Task, from: number) {
  const [rows, setRows] = useState<Result[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const done = useSlowly(task.done, REREAD_MS);
  // more results done is the reason to read again
  useEffect(() => {
    let isCurrent = true;
    readResults(task.id, from).then(
      (page) => {
        if (!isCurrent) return;
        setRows(page);
        setTrouble(null);
      },
      (error: Error) => isCurrent && setTrouble(error.message),
    );
    return () => {
      isCurrent = false;
    };
  }, [task.id, from, done]);
  return { rows, trouble };
}

/** One more than a page: the last one tells where the next page starts. */
async function readResults(id: string, from: number): Promise<Result[]> {
  const query = `from=${from}&limit=${PAGE + 1}&format=ndjson`;
  const response = await call(`/api/tasks/${encodeURIComponent(id)}/results?${query}`, {
    headers: { Accept: "application/x-ndjson" },
  });
  const lines = (await response.text()).split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => JSON.parse(line) as Result);
}

/** Follows a value, but at most once in `ms`. */
function useSlowly(value: number, ms: number): number {
  const [slow, setSlow] = useState({ value, at: 0 });
  useEffect(() => {
    if (slow.value === value) return;
    const timer = setTimeout(() => setSlow({ value, at: Date.now() }), Math.max(0, slow.at + ms - Date.now()));
    return () => clearTimeout(timer);
  }, [value, slow, ms]);
  return slow.value;
}

function ResultTable({ rows }: { rows: Result[] }) {
  return (
    <table class="results">
      <thead>
        <tr>
          <th scope="col" class="right">
            Index
          </th>
          <th scope="col">Payload</th>
          <th scope="col">Result</th>
          <th scope="col" class="right">
            Time
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.i}>
            <th scope="row" class="mono right">
              {format.count(row.i)}
            </th>
            <td class="mono value">{format.brief(row.payload)}</td>
            <td class="mono value">{format.brief(row.result)}</td>
            <td class="mono right">{format.runTime(row.seconds)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
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
  const page = await callJson<{ items: Failure[] }>(`/api/tasks/${encodeURIComponent(id)}/failures?limit=${PAGE}`);
  return page.items;
}
