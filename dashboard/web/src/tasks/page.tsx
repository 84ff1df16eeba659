// The list of tasks: one page of it is read, then kept true by the live stream.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { callJson, Problem } from "../api";
import { generation, onTask } from "../feed";
import * as format from "../format";
import { isOver, type Task, type TaskList } from "../model";
import { Progress, StateChip, Trouble, useTitle } from "../parts";
import { Verbs } from "./verbs";

const PAGE = 50;
/** Lists are read again at most this often, however much happens. */
const REREAD_MS = 1_000;

export function TasksPage() {
  useTitle("Tasks");
  const [cursors, setCursors] = useState<string[]>([]);
  const { list, trouble, reread } = useTaskList(cursors.at(-1) ?? "");
  return (
    <>
      <div class="heading">
        <h1>Tasks</h1>
        <a class="button primary" href="/tasks/new">
          New task
        </a>
      </div>
      <Trouble text={trouble} />
      {list && list.total === 0 && <Empty />}
      {list && list.total > 0 && (
        <>
          <TaskTable tasks={list.items} onDone={reread} />
          <Pager list={list} cursors={cursors} onMove={setCursors} />
        </>
      )}
      {!list && !trouble && <p aria-busy="true">Reading the tasks…</p>}
    </>
  );
}

function useTaskList(cursor: string) {
  const [list, setList] = useState<TaskList | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const wanted = useRef(cursor);
  wanted.current = cursor;

  const read = useCallback(async () => {
    try {
      const page = await callJson<TaskList>(`/api/tasks?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
      if (wanted.current === cursor) setList(page);
      setTrouble(null);
    } catch (error) {
      // An outage has its own banner, and the stream's return reads again.
      const isOutage = error instanceof Problem && (error.status === 503 || error.status === 0);
      setTrouble(isOutage ? null : String((error as Error).message));
    }
  }, [cursor]);

  const reread = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void read();
    }, REREAD_MS);
  }, [read]);

  const era = generation.value;
  // a new era of the stream means that news were missed
  useEffect(() => {
    void read();
  }, [read, era]);
  useEffect(
    () =>
      onTask((news) => {
        if (news.kind === "deleted") reread();
        else setList((before) => patch(before, news.task, reread));
      }),
    [reread],
  );
  useEffect(() => () => clearTimeout(timer.current), []);
  return { list, trouble, reread };
}

function patch(list: TaskList | null, task: Task, reread: () => void): TaskList | null {
  if (!list?.items.some(({ id }) => id === task.id)) {
    reread();
    return list;
  }
  return { ...list, items: list.items.map((known) => (known.id === task.id ? { ...known, ...task } : known)) };
}

function TaskTable({ tasks, onDone }: { tasks: Task[]; onDone: () => void }) {
  return (
    <table class="tasks">
      <thead>
        <tr>
          <th scope="col">Task</th>
          <th scope="col">State</th>
          <th scope="col">Progress</th>
          <th scope="col" class="right">
            Rate
          </th>
          <th scope="col" class="right">
            Left
          </th>
          <th scope="col">
            <span class="unseen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tasks.map((task) => (
          <Row key={task.id} task={task} onDone={onDone} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ task, onDone }: { task: Task; onDone: () => void }) {
  return (
    <tr data-task={task.id}>
      <th scope="row">
        <a href={`/tasks/${encodeURIComponent(task.id)}`}>{task.name}</a>
        {task.number !== undefined && <span class="hint mono"> #{task.number}</span>}
      </th>
      <td>
        <StateChip state={task.state} />
      </td>
      <td class="wide">
        <Progress task={task} />
        <span class="mono">
          {format.count(task.done)} of {format.count(task.total)}
          {task.failed > 0 && <span class="state-failed"> · ✕ {format.count(task.failed)} failed</span>}
        </span>
      </td>
      <Live label="Rate" value={isOver(task.state) ? "–" : format.rate(task.rate)} />
      <Live label="Left" value={isOver(task.state) ? "–" : format.duration(task.eta_s)} />
      <td>
        <Verbs task={task} onDone={onDone} />
      </td>
    </tr>
  );
}

/** A number that only open tasks have; a phone leaves it out where there is none. */
function Live({ label, value }: { label: string; value: string }) {
  return (
    <td class="mono right" data-label={label} data-empty={value === "–" ? "" : undefined}>
      {value}
    </td>
  );
}

interface PagerProps {
  list: TaskList;
  cursors: string[];
  onMove: (cursors: string[]) => void;
}

function Pager({ list, cursors, onMove }: PagerProps) {
  const first = cursors.length * PAGE + 1;
  const next = list.next_cursor;
  return (
    <nav class="pager" aria-label="Pages of tasks">
      <span class="mono">
        {format.count(Math.min(first, list.total))}–{format.count(first - 1 + list.items.length)} of{" "}
        {format.count(list.total)}
      </span>
      <button type="button" disabled={cursors.length === 0} onClick={() => onMove(cursors.slice(0, -1))}>
        Newer
      </button>
      <button type="button" disabled={next === null} onClick={() => next !== null && onMove([...cursors, next])}>
        Older
      </button>
    </nav>
  );
}

function Empty() {
  return (
    <section class="empty">
      <h2>No tasks yet</h2>
      <p>A task is a piece of code and a list of payloads. Each payload is computed by one of your clients.</p>
      <ol>
        <li>
          <a href="/tasks/new">Create a task</a> from a template, or on the command line:{" "}
          <code>disio submit unit.js --range 0:1000</code>
        </li>
        <li>
          Lend it a computer: <code>disio client start --distributor URL</code>, or open the distributor's{" "}
          <code>/demo</code> page in a browser.
        </li>
      </ol>
    </section>
  );
}
