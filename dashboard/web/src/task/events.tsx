// What people and the manager did with a task, newest first, and its own milestones.

import { useCallback, useEffect, useState } from "preact/hooks";
import { callJson } from "../api";
import { doer, words } from "../events/model";
import * as format from "../format";
import { isOver, type Task } from "../model";
import { Trouble } from "../parts";

interface TaskEvent {
  id: string;
  at: number;
  who: string;
  verb: string;
  outcome: "ok" | "refused" | "failed";
  detail: string;
  times: number;
}

interface EventPage {
  items: TaskEvent[];
  next_cursor: string | null;
  total: number;
}

const OUTCOMES = {
  ok: ["✓", "done", "state-done"],
  refused: ["⊘", "refused", "state-paused"],
  failed: ["✕", "failed", "state-failed"],
} as const;

export function TaskEvents({ task }: { task: Task }) {
  const { page, trouble, older, reread } = useEvents(task.id, task.state);
  return (
    <section aria-labelledby="task-events">
      <h2 id="task-events">What was done with it</h2>
      <p>{milestones(task)}</p>
      <Trouble text={trouble} />
      {page === null && trouble === null && <p aria-busy="true">Reading…</p>}
      {page !== null && (
        <>
          <div class="pager">
            <span class="mono" role="status">
              {format.count(page.items.length)} of {format.count(page.total)}
            </span>
            <button type="button" onClick={reread}>
              Look again
            </button>
          </div>
          <ol class="tries">
            {page.items.map((event) => (
              <EventItem key={event.id} event={event} />
            ))}
          </ol>
          {page.next_cursor !== null && (
            <button type="button" onClick={older}>
              Load older
            </button>
          )}
          <p class="hint">
            Of all tasks together the latest 100,000 events are kept, at most 400 days. Looking at things is no event.
          </p>
        </>
      )}
    </section>
  );
}

function EventItem({ event }: { event: TaskEvent }) {
  const [glyph, word, style] = OUTCOMES[event.outcome];
  return (
    <li>
      <p>
        <time class="mono" dateTime={new Date(event.at * 1000).toISOString()}>
          {format.when(event.at)}
        </time>{" "}
        <span class={style}>
          <span aria-hidden="true">{glyph}</span> {word}
        </span>{" "}
        {words(event.verb)}
        {event.times > 1 && <span class="mono"> ×{format.count(event.times)}</span>} by {doer(event.who)}
        {event.detail !== "" && <span class="hint"> {event.detail}</span>}
      </p>
    </li>
  );
}

function milestones(task: Task): string {
  const made = `Made ${format.when(task.created_at)}${task.owner ? ` by ${doer(task.owner)}` : ""}`;
  if (!isOver(task.state) || !task.finished_at) return `${made}; ${task.state} now.`;
  return `${made}; ${task.state} since ${format.when(task.finished_at)}.`;
}

function useEvents(id: string, state: string) {
  const [page, setPage] = useState<EventPage | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const read = useCallback(
    async (cursor: string) => {
      try {
        const more = await callJson<EventPage>(`/api/tasks/${encodeURIComponent(id)}/events?limit=50&cursor=${cursor}`);
        setPage((before) => ({ ...more, items: [...(cursor === "" ? [] : (before?.items ?? [])), ...more.items] }));
        setTrouble(null);
      } catch (error) {
        setTrouble((error as Error).message);
      }
    },
    [id],
  );
  // A new state is the work of somebody: there is an event more.
  useEffect(() => {
    void read("");
  }, [read, state]);
  return { page, trouble, older: () => void read(page?.next_cursor ?? ""), reread: () => void read("") };
}
