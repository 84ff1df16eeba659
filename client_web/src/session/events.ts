/** What a session is told, and what it has done: the words of its one door. */

import type { FromClient, Results, ToClient } from "../protocol/messages";
import type { Report } from "./reports";

export interface Identity {
  client_id: string;
  secret: string;
}

export interface SessionOptions extends Identity {
  kind: string;
  languages: string[];
  cores: number;
  /** What one unit may use, in MiB; 0 = unknown. */
  memory_mb: number;
  site: string;
  /** Origin of the page around, as the browser tells it. */
  origin: string;
  software: string;
  /** The task that it wants to help first; empty = any. */
  prefers: string;
}

export type SessionEvent =
  | { type: "connected" }
  | { type: "disconnected" }
  /** The acknowledgement of the message with this id, or null when none came in time. */
  | { type: "answered"; id: number; message: ToClient | null }
  | { type: "message"; message: ToClient }
  | { type: "report"; message: Report }
  /** Slots take runs whenever they may. */
  | { type: "slots"; slots: number }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "leave" }
  /** The distributor is away, and the next one is asked: it knows nothing of what this client holds. */
  | { type: "moved" }
  /** Results of an earlier frame of this client that no distributor has stored. */
  | { type: "owed"; identity: Identity; messages: readonly Results[] }
  /** The files of a language cannot be had: none of its units can run. */
  | { type: "lacks"; language: string; reason: string }
  | { type: "tick" };

export type Command =
  | { type: "send"; message: FromClient }
  | { type: "ask"; id: number; message: FromClient }
  /** New work may be there, or nothing holds slots back any more. */
  | { type: "work" }
  /** End the runs of these tokens and say nothing about them. */
  | { type: "stop"; tokens: string[] }
  /** End these units of a token and say nothing about them; the others of their run go on or run again. */
  | { type: "stop-units"; token: string; indexes: ReadonlySet<number> }
  | { type: "remember"; identity: Identity }
  /** A distributor let the client in; these are its siblings. */
  | { type: "welcomed"; siblings: readonly string[] }
  /** Break the connection and connect again, perhaps elsewhere; `after_s` is null for never. */
  | { type: "reconnect"; url: string | null; after_s: number | null; reason: string }
  | { type: "tell"; reason: string };

