// The manager's REST shapes, as far as the pages read them.

export const TASK_STATES = ["queued", "running", "paused", "done", "failed", "cancelled", "expired"] as const;
export type TaskState = (typeof TASK_STATES)[number];

export interface Policy {
  priority?: number;
  unit_timeout_s?: number;
  max_failures?: number;
  max_distributors?: number;
  requires?: { kinds?: string[]; memory_mb?: number };
}

export interface Task {
  id: string;
  number?: number;
  name: string;
  tags?: string[];
  state: TaskState;
  total: number;
  done: number;
  failed: number;
  leased: number;
  created_at: number;
  finished_at: number | null;
  /** Results a second, lately. */
  rate: number | null;
  eta_s: number | null;
  workunit?: { language: string; sha256: string; bytes: number };
  payloads?: unknown;
  policy?: Policy;
}

export interface TaskList {
  items: Task[];
  next_cursor: string | null;
  total: number;
}

export interface Distributor {
  id: string;
  name: string;
  url: string;
  region: string;
  state: "online" | "offline" | "draining";
  clients: number;
  slots: number;
  kinds: string[] | Record<string, number>;
  rate: number;
  outbox: number;
  blocks: number;
  last_seen: number;
  software: string;
}

export interface Stats {
  rate: number;
  clients: number;
  slots: number;
  distributors: number;
  tasks: Partial<Record<TaskState, number>>;
}

export interface Result {
  i: number;
  payload: unknown;
  result: unknown;
  client: string | null;
  seconds: number | null;
}

export interface FieldError {
  path: string;
  message: string;
}

export type Verb = "pause" | "resume" | "retry" | "cancel" | "delete";

const VERBS: Partial<Record<TaskState, Verb[]>> = {
  queued: ["pause", "cancel"],
  running: ["pause", "cancel"],
  paused: ["resume", "cancel"],
};
const RETRYABLE: TaskState[] = ["running", "paused", "failed"];

/** What can be done to a task now; delete always, retry when there are failed payloads to hand out again. */
export function verbsOf({ state, failed }: Pick<Task, "state" | "failed">): Verb[] {
  const retry: Verb[] = failed > 0 && RETRYABLE.includes(state) ? ["retry"] : [];
  return [...retry, ...(VERBS[state] ?? []), "delete"];
}

export function isOver(state: TaskState): boolean {
  return state !== "queued" && state !== "running" && state !== "paused";
}
