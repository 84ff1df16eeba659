// The manager's REST shapes, as far as the pages read them.

export const TASK_STATES = ["queued", "running", "paused", "done", "failed", "cancelled", "expired"] as const;
export type TaskState = (typeof TASK_STATES)[number];

export interface Policy {
  priority?: number;
  weight?: number;
  unit_timeout_s?: number;
  max_failures?: number;
  max_distributors?: number;
  max_lost?: number;
  when_exhausted?: "repeat" | "wait";
  max_redundancy?: number;
  requires?: { kinds?: string[]; memory_mb?: number };
}

export interface Task {
  id: string;
  number?: number;
  /** Who created it; empty: the manager's own token. */
  owner?: string;
  name: string;
  tags?: string[];
  /** Everybody may see its page. */
  public?: boolean;
  state: TaskState;
  total: number;
  done: number;
  failed: number;
  leased: number;
  /** Hand-outs whose client went away. */
  lost?: number;
  /** Tries that failed, of payloads that succeeded later too. */
  tries_failed?: number;
  /** Speculative copies handed out for stragglers. */
  copies?: number;
  /** Results that were outvoted; a single task only, lists leave it out. */
  invalid?: number;
  created_at: number;
  finished_at: number | null;
  /** Results a second, lately. */
  rate: number | null;
  eta_s: number | null;
  workunit?: { language: string; sha256: string; bytes: number; runtime?: string };
  payloads?: unknown;
  /** Bytes of a spec that is too large to be shown unasked. */
  payloads_omitted?: number;
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
  state: "online" | "offline" | "draining" | "paused" | "refused";
  clients: number;
  slots: number;
  kinds: string[] | Record<string, number>;
  rate: number;
  outbox: number;
  blocks: number;
  last_seen: number;
  software: string;
  /** `full`, or a sentence that says why results it acknowledged may be lost. */
  durability?: string;
  /** Share of its cache that is used, 0 to 1. */
  space?: number;
  /** Clients it had no place for since it started. */
  turned_away?: number;
  /** Id of the manager it is, or was last, online at. */
  manager?: string;
  /** Why it was refused when it last tried to join; empty when it was let in. */
  trouble?: string;
  /** What it was started for. */
  max_clients?: number;
  /** What operators want of it. */
  orders?: Orders;
}

export interface Orders {
  drained: boolean;
  paused: boolean;
  stopped: boolean;
  /** Tasks that are stopped there. */
  tasks: string[];
  /** 0 = as started. */
  max_clients: number;
  /** 0 = any number. */
  max_slots: number;
  reason: string;
  at: number;
}

export interface Client {
  id: string;
  distributor: string;
  kind: string;
  slots: number;
  site: string;
  software: string;
  platform: string;
  age_s: number;
  /** Payloads it has been given and not answered. */
  busy: number;
  units: number;
  failures: number;
  rate: number;
}

export interface ClientList {
  items: Client[];
  /** Distributors that could not be asked. */
  missing: string[];
  next_cursor: string | null;
  total: number;
}

export interface Manager {
  id: string;
  url: string;
  alive: boolean;
  /** Seconds since its last sign of life. */
  beat_age_s: number;
  /** It is the one that answers. */
  this: boolean;
}

export interface Vote {
  client: string;
  distributor?: string;
  agrees: boolean;
  seconds: number;
  /** Only where it differs. */
  result?: unknown;
}

/** What happened to one payload. */
/** A hand-out of a payload. */
export interface Try {
  client: string;
  distributor?: string;
  outcome: string;
  error: string;
  /** Seconds since it was handed out. */
  age_s: number | null;
  ended_at?: number | null;
  log?: string;
}

export interface Story {
  i: number;
  payload: unknown;
  state: string;
  result?: unknown;
  client?: string;
  seconds?: number;
  errors?: string[];
  votes: Vote[];
  /** Those that are kept, then those that the distributor which holds it knows of, and who has it. */
  tries?: Try[];
  /** Of the state that a client saved. */
  saved_bytes?: number;
  block?: { id: string; holder: string; holder_name?: string; lease: number; lease_ends_s?: number | null };
  sentences: string[];
}

export interface Stats {
  rate: number;
  clients: number;
  /** Clients by kind. */
  kinds?: Record<string, number>;
  /** Payloads without a result, of tasks that are not paused. */
  queue?: number;
  /** Seconds for all of those at the present rate. */
  eta_s?: number | null;
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

/** What a person should look at, the worst first, and how many such things there are in all. */
export interface Attention {
  items: { kind: string; level: "bad" | "warning"; subject: string; sentence: string; remedy: string; link: string }[];
  total: number;
}
