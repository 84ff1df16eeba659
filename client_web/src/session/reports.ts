/**
 * What the slots report, on its way to the distributor.
 *
 * Rule: pure. Each open unit is answered once, with something that the distributor takes; whatever comes for another unit counts for nothing.
 */

import type { CheckpointMessage, DoneMessage, FailedMessage, LogMessage, ProgressMessage } from "../protocol/engine";
import type { Batches } from "./batches";
import type { Outbox } from "./outbox";
import { UnitLogs } from "./unit_logs";

export type Report = DoneMessage | FailedMessage | CheckpointMessage | ProgressMessage | LogMessage;

/** Most bytes that the distributor takes. */
export interface Limits {
  result: number;
  state: number;
}

const MAX_ERROR_CHARS = 4_000;

export class Reports {
  private readonly logs = new UnitLogs();

  constructor(
    private readonly batches: Batches,
    private readonly outbox: Outbox,
  ) {}

  take(report: Report, limits: Limits, now: number): void {
    switch (report.type) {
      case "done":
        return this.done(report, limits, now);
      case "failed":
        return this.failed(report);
      case "checkpoint":
        return this.checkpoint(report, limits);
      case "log":
        if (this.batches.isOpen(report.token, report.index)) this.logs.add(report.token, report.index, report.text);
        return;
      case "progress":
        return this.batches.progress(report.token, report.index, report.fraction);
    }
  }

  private done({ token, indexes, values, seconds }: DoneMessage, limits: Limits, now: number): void {
    const workunit = this.batches.assignOf(token)?.workunit;
    indexes.forEach((index, at) => {
      const value = values[at] as Uint8Array;
      const spent = seconds[at] as number;
      if (value.length > limits.result) return this.tooLarge(token, index, value.length, limits);
      if (!this.batches.close(token, index)) return;
      this.outbox.addResult(token, index, value, spent, now, this.logs.take(token, index));
      if (workunit !== undefined) this.batches.measured(workunit, spent);
    });
    // The last of a batch wait for no company.
    if (this.batches.assignOf(token) === undefined) this.outbox.seal(token);
  }

  private tooLarge(token: string, index: number, bytes: number, limits: Limits): void {
    const error = `result is ${bytes} bytes; this distributor takes ${limits.result}`;
    this.failed({ type: "failed", token, indexes: [index], errors: [error], kinds: ["result"] });
  }

  private failed({ token, indexes, errors, kinds }: FailedMessage): void {
    const kept = indexes.map((index, at) => (this.batches.close(token, index) ? at : -1)).filter((at) => at >= 0);
    if (kept.length === 0) return;
    const written = kept.map((at) => ({ index: indexes[at] as number, log: this.logs.take(token, indexes[at] as number) }));
    const logged = written.filter(({ log }) => log !== "");
    this.outbox.add({
      type: "failed",
      token,
      indexes: kept.map((at) => indexes[at] as number),
      errors: kept.map((at) => (errors[at] as string).slice(0, MAX_ERROR_CHARS)),
      kinds: kept.map((at) => kinds[at] as string),
      logged: logged.map(({ index }) => index),
      logs: logged.map(({ log }) => log),
    });
  }

  private checkpoint({ token, index, state }: CheckpointMessage, limits: Limits): void {
    if (state.length > limits.state || !this.batches.isOpen(token, index)) return;
    this.batches.keepState(token, index, state);
    this.outbox.add({ type: "checkpoint", token, index, state });
  }
}
