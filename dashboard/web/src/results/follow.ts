// Results of a task as they finish, a page after the other, until the task is over and all of them were read.

import { call, Problem } from "../api";
import { isOver, type Result, type TaskState } from "../model";

const PAGE = 200;
/** Seconds that the manager holds an answer back until there is something to say. */
const WAIT_S = 20;
const AGAIN_MS = 3_000;

/** Calls back with each page; ends with the task's results, or with `stopped`. Where the manager is away it tries again. */
export async function follow(id: string, take: (rows: Result[]) => void, stopped: AbortSignal): Promise<void> {
  let cursor = "";
  while (!stopped.aborted) {
    try {
      const page = await readPage(id, cursor);
      if (stopped.aborted) return;
      if (page.rows.length > 0) take(page.rows);
      else if (isOver(page.state)) return;
      cursor = page.cursor;
    } catch (error) {
      if (isFinal(error)) throw error;
      await pause(AGAIN_MS, stopped);
    }
  }
}

/** The request itself is wrong: the same one again would be, too. */
function isFinal(error: unknown): boolean {
  return error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;
}

interface Page {
  rows: Result[];
  cursor: string;
  state: TaskState;
}

async function readPage(id: string, cursor: string): Promise<Page> {
  const query = `order=finished&format=ndjson&limit=${PAGE}&wait_s=${WAIT_S}&cursor=${cursor}`;
  const answer = await call(`/api/tasks/${encodeURIComponent(id)}/results?${query}`, {
    headers: { Accept: "application/x-ndjson" },
  });
  return {
    rows: rowsOf(await answer.text()),
    cursor: answer.headers.get("X-Cursor") ?? cursor,
    state: (answer.headers.get("X-Task-State") ?? "running") as TaskState,
  };
}

/** Reads results from their lines. */
export function rowsOf(text: string): Result[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Result);
}

/** Reads results in index order, from an index on. */
export async function readResults(id: string, from: number, limit: number): Promise<Result[]> {
  return rowsOf(await readText(id, from, limit));
}

const PART = 1_000;

/** Reads results in index order until there are `most`, or they are `characters` long, whichever comes first. */
export async function readMany(id: string, most: number, characters: number): Promise<Result[]> {
  const rows: Result[] = [];
  let size = 0;
  for (let from = 0; rows.length < most && size < characters; ) {
    const text = await readText(id, from, Math.min(PART, most - rows.length));
    const part = rowsOf(text);
    rows.push(...part);
    size += text.length;
    const last = part.at(-1);
    if (last === undefined) break;
    from = last.i + 1;
  }
  return rows;
}

async function readText(id: string, from: number, limit: number): Promise<string> {
  const query = `from=${from}&limit=${limit}&format=ndjson`;
  const answer = await call(`/api/tasks/${encodeURIComponent(id)}/results?${query}`, {
    headers: { Accept: "application/x-ndjson" },
  });
  return answer.text();
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
