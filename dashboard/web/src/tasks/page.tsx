// The list of tasks: filters in the address bar, rows that change in place, and verbs for many at once.

import { useEffect, useState } from "preact/hooks";
import * as format from "../format";
import { may } from "../me";
import type { TaskList } from "../model";
import { Needs } from "../needs";
import { Trouble, useTitle } from "../parts";
import { query, setQuery } from "../route";
import { BulkBar } from "./bulk";
import { filterOf, isNarrow, PAGE, wantedOf } from "./filter";
import { Filters } from "./filters";
import { useTaskList } from "./list";
import { TaskTable } from "./table";

const NOBODY: ReadonlySet<number> = new Set();

export function TasksPage() {
  useTitle("Tasks");
  const wanted = wantedOf(query.value);
  const { shown, trouble, reread } = useTaskList(wanted);
  const [chosen, setChosen] = useState(NOBODY);
  const [isAll, setAll] = useState(false);
  const asked = query.value.toString();
  useEffect(() => none(), [asked]);
  function none(): void {
    setChosen(NOBODY);
    setAll(false);
  }
  function choose(numbers: number[], isChosen: boolean): void {
    setAll(false);
    setChosen((before) => {
      const next = new Set(before);
      for (const number of numbers) isChosen ? next.add(number) : next.delete(number);
      return next;
    });
  }
  const list = shown?.list ?? null;
  const isEmpty = list?.total === 0 && !isNarrow(wanted) && shown?.fresh.size === 0;
  return (
    <>
      <Head />
      <Trouble text={trouble} />
      {isEmpty && <Empty />}
      {!isEmpty && <Filters />}
      {shown && shown.fresh.size > 0 && (
        <button type="button" class="fresh" onClick={reread}>
          {format.count(shown.fresh.size)} new
        </button>
      )}
      {list && !isEmpty && may("researcher") && (
        <BulkBar
          chosen={isAll ? list.total : chosen.size}
          total={list.total}
          isAll={isAll}
          filter={() => (isAll ? filterOf(wanted, Date.now() / 1000) : { numbers: [...chosen] })}
          onAll={() => setAll(true)}
          onNone={none}
          onDone={() => {
            none();
            reread();
          }}
        />
      )}
      {list && !isEmpty && list.total === 0 && <p>No task matches this filter.</p>}
      {shown && list && list.total > 0 && (
        <>
          <TaskTable
            tasks={list.items}
            gone={shown.gone}
            chosen={isAll ? new Set(list.items.map(({ number }) => number ?? 0)) : chosen}
            onChoose={choose}
            onDone={() => undefined}
          />
          <Pager list={list} cursors={wanted.cursors} />
        </>
      )}
      {!list && !trouble && <p aria-busy="true">Reading the tasks…</p>}
    </>
  );
}

function Head() {
  const mayMake = may("researcher");
  return (
    <>
      <div class="heading">
        <h1>Tasks</h1>
        {mayMake && (
          <a class="button primary" href="/tasks/new">
            New task
          </a>
        )}
      </div>
      {!mayMake && <Needs least="researcher">Making and changing tasks</Needs>}
    </>
  );
}

function Pager({ list, cursors }: { list: TaskList; cursors: string[] }) {
  const first = cursors.length * PAGE + 1;
  const next = list.next_cursor;
  const move = (to: string[]) => setQuery({ page: to.join("~") }, { keep: true });
  return (
    <nav class="pager" aria-label="Pages of tasks">
      <span class="mono">
        {format.count(Math.min(first, list.total))}–{format.count(first - 1 + list.items.length)} of{" "}
        {format.count(list.total)}
      </span>
      <button type="button" disabled={cursors.length === 0} onClick={() => move(cursors.slice(0, -1))}>
        Newer
      </button>
      <button type="button" disabled={next === null} onClick={() => next !== null && move([...cursors, next])}>
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
