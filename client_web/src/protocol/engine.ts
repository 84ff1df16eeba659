/**
 * The engine messages of docs/protocol.md: what slots and engines say to each other.
 *
 * Rule: the Deno host carries them as MessagePack frames and the browser as structured clones, in this same shape.
 */

import type { Terms } from "./messages";

export type FailureKind = "error" | "timeout" | "memory" | "result" | "crash";

export interface LoadMessage {
  type: "load";
  workunit: string;
  language: string;
  code: Uint8Array;
}

/** Files that a language needs beside its units, for all runs to come; given once, before the first `load` of that language. */
export interface KitMessage {
  type: "kit";
  language: string;
  /** Bytes; in a browser as a Blob, which goes from process to process without being copied by either's thread. */
  files: Record<string, Uint8Array | Blob>;
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
  /** What one unit may use; 0 = the client's own limit. */
  memory_mb: number;
  terms: Terms;
  /** One unit at a time, each announced by `started`: finds the unit that ends an engine. */
  single: boolean;
}

export type ToEngine = KitMessage | LoadMessage | RunMessage;

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

/** The code of a run is loaded, and its first unit is about to run: from here on a unit's time counts. */
export interface LoadedMessage {
  type: "loaded";
  token: string;
}

export interface FinishedMessage {
  type: "finished";
  token: string;
}

export interface ReadyMessage {
  type: "ready";
  runtime: string;
}

/**
 * The realms of languages that are slow to start, and take much memory, by language: those that run and those that are kept for later.
 * Told whenever that changes; of other languages it has one at most.
 */
export interface RealmsMessage {
  type: "realms";
  languages: string[];
}

/** What a unit runtime reports about units. */
export type UnitReport =
  | StartedMessage
  | DoneMessage
  | FailedMessage
  | CheckpointMessage
  | ProgressMessage
  | LogMessage;

export type FromEngine = ReadyMessage | RealmsMessage | LoadedMessage | UnitReport | FinishedMessage;

/**
 * What a unit runtime says besides: its language is ready (only when it has no unit yet), its code is loaded, or one of both cannot be;
 * nothing runs in it any more, and so many bytes are what its unit holds.
 */
export type FromRealm = UnitReport | { type: "prepared" } | { type: "loaded" } | { type: "resting"; bytes: number } | { type: "broken"; error: string; kind: FailureKind };

/** What a realm is made for: one work unit of one task. */
export interface UnitSpec {
  workunit: string;
  code: Uint8Array;
  memory_mb: number;
  terms: Terms;
}

export interface RealmSpec {
  language: string;
  /** Null: it comes later, by a message. */
  unit: UnitSpec | null;
}

/** Files of a kit; those that are WebAssembly are compiled. */
export type Kit = Record<string, Uint8Array | WebAssembly.Module>;

/** A work unit as its realm gets it. */
export interface UnitCode {
  /** WebAssembly comes compiled, unless it does not compile. */
  code: Uint8Array | WebAssembly.Module;
  memory_mb: number;
  terms: Terms;
}

/** The first message into a worker, with the MessagePort that everything else goes through. */
export interface StartRealm {
  language: string;
  /** Null for languages without one. */
  kit: Kit | null;
  /** Null: it comes as a `UnitMessage`, and the language gets ready for it. */
  unit: UnitCode | null;
}

/** The unit of a realm that was started without one; once, and before the first run. */
export interface UnitMessage {
  type: "unit";
  unit: UnitCode;
}

/** Say `resting` when every run before this is answered. */
export interface RestMessage {
  type: "rest";
}

export type ToRealm = UnitMessage | RunMessage | RestMessage;
