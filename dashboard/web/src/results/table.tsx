// Results as a table, a page of them in index order; sorting and filtering is of what is loaded, and says so.

import { useEffect, useState } from "preact/hooks";
import * as format from "../format";
import type { Result, Task } from "../model";
import { Trouble } from "../parts";
import { query, setQuery } from "../route";
import { type Column, columnsOf, type Flat, filtered, flat, isFull, sorted } from "./columns";
import { readResults } from "./follow";

const SIZES = ["25", "100", "1000"];
const SHOWN_COLUMNS = 8;
/** While results come in a page that is not full yet is read again at most this often. */
const REREAD_MS = 2_000;

export function TableView({ task }: { task: Task }) {
  const size = Number(SIZES.find((each) => each === query.value.get("rows")) ?? SIZES[0]);
  const [starts, setStarts] = useState<number[]>([0]);
  const from = starts.at(-1) ?? 0;
  const { rows, trouble } = useResults(task, from, size);
  const page = rows?.slice(0, size) ?? [];
  const next = rows?.[size]?.i;
  const before = (starts.length - 1) * size;
  return (
    <>
      <Trouble text={trouble} />
      {page.length > 0 ? <Rows page={page} /> : <p class="hint">{rows ? "No results yet." : "Reading…"}</p>}
      <nav class="pager" aria-label="Pages of results">
        <span class="mono">
          {format.count(before + (page.length ? 1 : 0))}–{format.count(before + page.length)} of{" "}
          {format.count(task.done)}
        </span>
        <label>
          Rows{" "}
          <select
            value={String(size)}
            onChange={(event) => {
              setStarts([from]);
              setQuery({ rows: event.currentTarget.value });
            }}
          >
            {SIZES.map((each) => (
              <option key={each} value={each}>
                {format.count(Number(each))}
              </option>
            ))}
          </select>
        </label>
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
    </>
  );
}

function useResults(task: Task, from: number, size: number) {
  const [rows, setRows] = useState<Result[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const done = useSlowly(rows !== null && isFull(rows, from, size) ? 0 : task.done, REREAD_MS);
  // more results done is the reason to read again, unless no more can be on this page
  useEffect(() => {
    let isCurrent = true;
    // One more than a page: the last one tells where the next page starts.
    readResults(task.id, from, size + 1).then(
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
  }, [task.id, from, size, done]);
  return { rows, trouble };
}

/** Follows a value, but at most once in `ms`. */
export function useSlowly(value: number, ms: number): number {
  const [slow, setSlow] = useState({ value, at: 0 });
  useEffect(() => {
    if (slow.value === value) return;
    const timer = setTimeout(() => setSlow({ value, at: Date.now() }), Math.max(0, slow.at + ms - Date.now()));
    return () => clearTimeout(timer);
  }, [value, slow, ms]);
  return slow.value;
}

function Rows({ page }: { page: Result[] }) {
  const order = query.value.get("sort") ?? "i";
  const isDown = query.value.get("down") === "1";
  const [text, setText] = useState("");
  const [isWide, setWide] = useState(false);
  const flats = page.map(flat);
  const columns = columnsOf(flats).filter(({ path }) => path !== "i" && path !== "seconds");
  const shown = isWide ? columns : columns.slice(0, SHOWN_COLUMNS);
  const found = sorted(filtered(flats, text), order, isDown);
  const sortBy = (path: string) =>
    setQuery({ sort: path === "i" ? "" : path, down: order === path && !isDown ? "1" : "" });
  return (
    <>
      <div class="actions loaded">
        <label>
          Filter{" "}
          <input
            type="text"
            class="short"
            autocomplete="off"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <span class="hint" role="status">
          {format.count(found.length)} of the {format.count(page.length)} results on this page; sorted and filtered on
          this page alone.
        </span>
        {columns.length > SHOWN_COLUMNS && (
          <button type="button" onClick={() => setWide(!isWide)}>
            {isWide ? "Fewer columns" : `${SHOWN_COLUMNS} of ${columns.length} columns: show all`}
          </button>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to get there */}
      <section class="scrolling" tabIndex={0} aria-label="Table of results">
        <table class="results">
          <thead>
            <tr>
              <Head path="i" name="Index" order={order} isDown={isDown} sortBy={sortBy} isNumeric />
              {shown.map((column) => (
                <Head key={column.path} {...column} name={column.path} order={order} isDown={isDown} sortBy={sortBy} />
              ))}
              <Head path="seconds" name="Time" order={order} isDown={isDown} sortBy={sortBy} isNumeric />
            </tr>
          </thead>
          <tbody>
            {found.map((row) => (
              <Row key={String(row.i)} row={row} columns={shown} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

interface HeadProps extends Column {
  name: string;
  order: string;
  isDown: boolean;
  sortBy: (path: string) => void;
}

function Head({ path, name, isNumeric, order, isDown, sortBy }: HeadProps) {
  const isSorted = order === path;
  return (
    <th
      scope="col"
      class={isNumeric ? "right" : ""}
      aria-sort={isSorted ? (isDown ? "descending" : "ascending") : undefined}
    >
      <button type="button" class="quiet" onClick={() => sortBy(path)}>
        {name}
        {isSorted && <span aria-hidden="true"> {isDown ? "▼" : "▲"}</span>}
      </button>
    </th>
  );
}

function Row({ row, columns }: { row: Flat; columns: Column[] }) {
  return (
    <tr>
      <th scope="row" class="mono right">
        {format.count(row.i as number)}
      </th>
      {columns.map(({ path, isNumeric }) => (
        <td key={path} class={isNumeric ? "mono right" : "mono value"}>
          {row[path] === undefined ? "" : format.brief(row[path])}
        </td>
      ))}
      <td class="mono right">{format.runTime(row.seconds as number | null)}</td>
    </tr>
  );
}
