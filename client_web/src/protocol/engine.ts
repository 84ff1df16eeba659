/**
 * The engine messages of docs/protocol.md: what slots and engines say to each other.
 *
 * Rule: the Deno host carries them as MessagePack frames and the browser as structured clones, in this same shape.
 */

export type FailureKind = "error" | "timeout" | "memory" | "result" | "crash";

export interface LoadMessage {
  type: "load";
  workunit: string;
  language: string;
  code: Uint8Array;
}

export interface RunMessage {
  type: "run";
  token: string;
  task: string;
  workunit: string;
  indexes: number[];
  payloads: Uint8Array[];
  /** Index (as MessagePack and structured clones both have it: a key) to the state an earlier client saved. */
  states: Record<string, Uint8Array>;
  unit_timeout_s: number;
  /** One unit at a time, each announced by `started`: finds the unit that ends an engine. */
  single: boolean;
}

export type ToEngine = LoadMessage | RunMessage;

export interface DoneMessage {
  type: "done";
  token: string;
  indexes: number[];
  values: Uint8Array[];
  seconds: number[];
}

export interface FailedMessage {
  type: "failed";
  token: string;
  indexes: number[];
  errors: string[];
  kinds: FailureKind[];
}

export interface StartedMessage {
  type: "started";
  token: string;
  index: number;
}

export interface CheckpointMessage {
  type: "checkpoint";
  token: string;
  index: number;
  state: Uint8Array;
}

export interface ProgressMessage {
  type: "progress";
  token: string;
  index: number;
  fraction: number;
}

export interface LogMessage {
  type: "log";
  token: string;
  index: number;
  text: string;
}

export interface FinishedMessage {
  type: "finished";
  token: string;
}

export interface ReadyMessage {
  type: "ready";
  runtime: string;
}

/** What a unit runtime reports about units. */
export type UnitReport =
  | StartedMessage
  | DoneMessage
  | FailedMessage
  | CheckpointMessage
  | ProgressMessage
  | LogMessage;

export type FromEngine = ReadyMessage | UnitReport | FinishedMessage;

/** What a unit runtime says besides: it is there, or the code cannot be loaded. */
export type FromRealm = UnitReport | { type: "up" } | { type: "broken"; error: string };

/** What an engine says to the unit runtime in its worker. */
export type ToRealm = LoadMessage | RunMessage;
