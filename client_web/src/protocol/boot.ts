/** What the consent frame and the compute frame's boot script say to each other, over one MessagePort. */

import type { KitMessage, RealmSpec } from "./engine";

export type ToBoot =
  /** Keep these files for the workers to come. */
  | KitMessage
  /** Start a worker; its MessagePort comes with the message and is handed on. */
  | { type: "spawn"; worker: number; spec: RealmSpec }
  | { type: "end"; worker: number }
  | { type: "ping" };

export type FromBoot = { type: "ready" } | { type: "pong" } | { type: "died"; worker: number; reason: string };
