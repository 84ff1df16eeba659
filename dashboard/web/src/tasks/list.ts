// One page of tasks: read once, kept true in place by the live stream. Nothing moves until somebody asks for that.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { callJson, Problem } from "../api";
import { generation, onTask } from "../feed";
import type { Task, TaskList } from "../model";
import { askedFor, type Wanted } from "./filter";

const REREAD_MS = 300;
const MOST = 500;

export interface Shown {
  list: TaskList;
  /** Tasks of the page that were deleted meanwhile. */
  gone: ReadonlySet<string>;
  /** Tasks that came since it was read. */
  fresh: ReadonlySet<string>;
  /** Newest number when it was read. */
  newest: number;
}

export function useTaskList(wanted: Wanted) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const key = JSON.stringify(wanted);
  const current = useRef(key);
  current.current = key;
  /** Tasks that were told of while the list was on its way: it may be older than that. */
  const meanwhile = useRef<Task[]>([]);

  const read = useCallback(async () => {
    meanwhile.current = [];
    try {
      const asked = askedFor(JSON.parse(key) as Wanted, Date.now() / 1000);
      const list = await callJson<TaskList>(`/api/tasks?${asked}`);
      if (current.current === key) setShown((before) => meanwhile.current.reduce(withNews, begin(list, before)));
      setTrouble(null);
    } catch (error) {
      // An outage has its own banner, and the stream's return reads again.
      const isOutage = error instanceof Problem && (error.status === 503 || error.status === 0);
      setTrouble(isOutage ? null : String((error as Error).message));
    }
  }, [key]);

  const era = generation.value;
  useEffect(() => {
    void read();
  }, [read, era]);
  useEffect(
    () =>
      onTask((news) => {
        if (news.kind === "changed" && meanwhile.current.length < MOST) meanwhile.current.push(news.task);
        setShown(
          (before) => before && (news.kind === "deleted" ? withoutOne(before, news.id) : withNews(before, news.task)),
        );
      }),
    [],
  );
  const isBare =
    shown !== null && shown.list.items.length === shown.gone.size && shown.fresh.size + shown.gone.size > 0;
  // Where no row is left there is nothing to keep in its place.
  useEffect(() => {
    if (!isBare) return;
    const timer = setTimeout(() => void read(), REREAD_MS);
    return () => clearTimeout(timer);
  }, [isBare, read]);
  return { shown, trouble, reread: () => void read() };
}

export function begin(list: TaskList, before: Shown | null): Shown {
  const newest = Math.max(before?.newest ?? 0, ...list.items.map(({ number }) => number ?? 0));
  return { list, gone: new Set(), fresh: new Set(), newest };
}

export function withNews(shown: Shown, task: Task): Shown {
  const { list, fresh, newest } = shown;
  if (list.items.some(({ id }) => id === task.id)) {
    const items = list.items.map((known) => (known.id === task.id ? { ...known, ...task } : known));
    return { ...shown, list: { ...list, items } };
  }
  const isNew = (task.number ?? 0) > newest && !fresh.has(task.id);
  return isNew ? { ...shown, fresh: new Set([...fresh, task.id]) } : shown;
}

export function withoutOne(shown: Shown, id: string): Shown {
  const fresh = new Set([...shown.fresh].filter((one) => one !== id));
  if (!shown.list.items.some((task) => task.id === id)) return { ...shown, fresh };
  return { ...shown, fresh, gone: new Set([...shown.gone, id]) };
}
