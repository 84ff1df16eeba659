// The payloads of a task that are in one state, a page at a time; state and page are in the address.

import * as format from "../format";
import { isOver, type Task } from "../model";
import { Trouble } from "../parts";
import { usePolled } from "../polling";
import { query, setQuery } from "../route";

interface Listed {
  i: number;
  state: string;
  distributor?: string;
}

interface PayloadPage {
  items: Listed[];
  next_cursor: string | null;
  total: number;
  elsewhere: number;
}

const EVERY_MS = 5_000;
const PAGE = 100;
const STATES = [
  ["waiting", "◌", "waiting"],
  ["leased", "▶", "running"],
  ["done", "✓", "done"],
  ["failed", "✕", "failed"],
] as const;
type State = (typeof STATES)[number][0];

export function PayloadLists({ task }: { task: Task }) {
  const state = stateOf(query.value, task);
  const cursors = (query.value.get("from") ?? "").split("~").filter((cursor) => /^\d{1,15}$/.test(cursor));
  const path = `/api/tasks/${encodeURIComponent(task.id)}/payloads?state=${state}&limit=${PAGE}&cursor=${cursors.at(-1) ?? ""}`;
  const { found, trouble } = usePolled<PayloadPage>(path, EVERY_MS);
  function turn(next: string[]): void {
    setQuery({ from: next.join("~") }, { keep: true });
  }
  return (
    <section aria-labelledby="lists">
      <h2 id="lists">By state</h2>
      <fieldset class="choices">
        <legend>Show payloads that are</legend>
        {STATES.map(([name, glyph, word]) => (
          <button
            type="button"
            key={name}
            aria-pressed={name === state}
            onClick={() => setQuery({ in: name, from: "" }, { keep: true })}
          >
            <span aria-hidden="true">{glyph}</span> {word}
          </button>
        ))}
      </fieldset>
      <Trouble text={trouble} />
      {!found && !trouble && <p aria-busy="true">Reading the list…</p>}
      {found && <List task={task.id} page={found} isFirst={cursors.length === 0} />}
      {found && (
        <nav class="pager" aria-label="Pages of payloads">
          <span class="mono" role="status">
            {told(found)}
          </span>
          <button type="button" disabled={cursors.length === 0} onClick={() => turn(cursors.slice(0, -1))}>
            Before
          </button>
          <button
            type="button"
            disabled={found.next_cursor === null}
            onClick={() => turn([...cursors.slice(-20), found.next_cursor ?? ""])}
          >
            Next
          </button>
        </nav>
      )}
    </section>
  );
}

function List({ task, page, isFirst }: { task: string; page: PayloadPage; isFirst: boolean }) {
  if (page.items.length === 0) {
    return <p>{isFirst && page.total === 0 ? "None." : "None here; there may be some on the next page."}</p>;
  }
  return (
    <ol class="indexes">
      {page.items.map(({ i, state, distributor }) => (
        <li key={i}>
          <a class="mono" href={`/tasks/${encodeURIComponent(task)}/payloads/${i}`}>
            {format.count(i)}
          </a>
          {distributor !== undefined && <span class="hint mono value"> {distributor}</span>}
          {state === "ready" && <span class="hint"> given back</span>}
        </li>
      ))}
    </ol>
  );
}

function told({ items, total, elsewhere }: PayloadPage): string {
  const shown = `${format.count(items.length)} of ${format.count(total)}`;
  return elsewhere === 0 ? shown : `${shown}; ${format.count(elsewhere)} open ones are with other managers`;
}

/** Of a task that is over nothing waits: then what there is to see is shown, failures first. */
function stateOf(asked: URLSearchParams, task: Task): State {
  const usual = !isOver(task.state) ? "waiting" : task.failed > 0 ? "failed" : "done";
  return STATES.find(([name]) => name === asked.get("in"))?.[0] ?? usual;
}
