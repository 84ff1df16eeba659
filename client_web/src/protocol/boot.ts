/** What the consent frame and the compute frame's boot script say to each other, over one MessagePort. */

export type ToBoot =
  /** Start a worker; its MessagePort comes with the message and is handed on. */
  | { type: "spawn"; worker: number }
  | { type: "end"; worker: number }
  | { type: "ping" };

export type FromBoot = { type: "ready" } | { type: "pong" } | { type: "died"; worker: number; reason: string };
