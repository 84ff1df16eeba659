// One task: its story in a sentence, its progress, what came out, what failed, and what it is made of.

import { useCallback, useEffect, useState } from "preact/hooks";
import { callJson, Problem } from "../api";
import { generation, onTask } from "../feed";
import * as format from "../format";
import { may } from "../me";
import { isOver, type Task } from "../model";
import { Progress, StateChip, Trouble, useTitle } from "../parts";
import { Failures, Results } from "../results/results";
import { go, query } from "../route";
import { Verbs } from "../tasks/verbs";
import { Counters } from "./counters";
import { DocumentView } from "./document";
import { UnitDurations } from "./durations";
import { TaskEvents } from "./events";
import { Explanation } from "./explanation";
import { FailureGroups } from "./groups";
import { PayloadLookup } from "./payload";
import { PayloadLists } from "./payload_lists";
import { ProgressCharts } from "./progress";
import { TaskSettings } from "./settings";
import { Sharing } from "./sharing";
import { Tabs, tabOf } from "./tabs";

export function TaskPage({ id }: { id: string }) {
  const { task, trouble, reread } = useTask(id);
  useTitle(task?.name ?? "Task");
  if (!task) return <Unread trouble={trouble} />;
  return (
    <>
      <div class="heading">
        <h1>{task.name}</h1>
        <StateChip state={task.state} />
      </div>
      <p class="sentence">{sentence(task)}</p>
      <Progress task={task} />
      <p class="mono">
        {format.count(task.done)} of {format.count(task.total)} done · {format.count(task.leased)} under way ·{" "}
        {format.count(task.failed)} failed{!isOver(task.state) && ` · ${format.rate(task.rate)}`}
      </p>
      <Counters task={task} />
      <Verbs task={task} onDone={(verb) => (verb === "delete" ? go("/tasks") : reread())} />
      {may("researcher") && (
        <p class="clone">
          <a href={`/tasks/new?from=${encodeURIComponent(task.id)}`}>Clone &amp; edit</a>
        </p>
      )}
      <Sharing task={task} />
      <Explanation task={task} />
      <Tabs task={task} />
      <Part task={task} onDone={reread} />
    </>
  );
}

function Unread({ trouble }: { trouble: string | null }) {
  return (
    <>
      <h1>Task</h1>
      {trouble ? <Trouble text={trouble} /> : <p aria-busy="true">Reading the task…</p>}
    </>
  );
}

function Part({ task, onDone }: { task: Task; onDone: () => void }) {
  switch (tabOf(query.value)) {
    case "results":
      return (
        <>
          <ProgressCharts task={task} />
          <UnitDurations task={task} />
          <Results task={task} />
        </>
      );
    case "payloads":
      return (
        <>
          <PayloadLookup task={task} />
          <PayloadLists task={task} />
        </>
      );
    case "failures":
      return (
        <>
          <FailureGroups task={task} />
          <Failures task={task} />
        </>
      );
    case "code":
      return <DocumentView task={task} />;
    case "events":
      return <TaskEvents task={task} />;
    case "settings":
      return <TaskSettings task={task} onDone={onDone} />;
  }
}

function useTask(id: string) {
  const [task, setTask] = useState<Task | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const read = useCallback(async () => {
    try {
      setTask(await callJson<Task>(`/api/tasks/${encodeURIComponent(id)}`));
      setTrouble(null);
    } catch (error) {
      setTrouble(
        error instanceof Problem && error.status === 404
          ? "This task does not exist (any more)."
          : String((error as Error).message),
      );
    }
  }, [id]);
  const era = generation.value;
  const state = task?.state;
  // a new era of the stream means that news were missed, and the news of a state leave some numbers out
  useEffect(() => {
    void read();
  }, [read, era, state]);
  useEffect(
    () =>
      onTask((news) => {
        if (news.kind === "changed" && news.task.id === id) setTask((before) => ({ ...before, ...news.task }));
        if (news.kind === "deleted" && news.id === id) go("/tasks");
      }),
    [id],
  );
  return { task, trouble, reread: () => void read() };
}

/** What the state means now, for people. */
export function sentence(task: Task): string {
  const share = format.percent(task.done, task.total);
  const failing = task.failed > 0 ? `; ${format.count(task.failed)} failed` : "";
  switch (task.state) {
    case "queued":
      return "Waiting for a distributor that takes it.";
    case "running":
      return `Running: ${share} done${left(task)}${failing}.`;
    case "paused":
      return `Paused at ${share}: nothing new is handed out until you resume it${failing}.`;
    case "done":
      return `Done: every payload has its result${took(task)}.`;
    case "failed":
      return `Ended with ${format.count(task.failed)} of ${format.count(task.total)} payloads failed${took(task)}.`;
    case "cancelled":
      return `Cancelled at ${share}; the results so far are kept.`;
    case "expired":
      return `Its deadline passed at ${share}; the results so far are kept.`;
  }
}

function left({ eta_s }: Task): string {
  return eta_s === null || eta_s === undefined ? "" : `, ${format.duration(eta_s)} left`;
}

function took({ created_at, finished_at }: Task): string {
  return finished_at ? `, after ${format.duration(finished_at - created_at)}` : "";
}
