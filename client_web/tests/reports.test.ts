import { beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TERMS, type Assign } from "../src/protocol/messages";
import { Batches } from "../src/session/batches";
import { Outbox, type Kept } from "../src/session/outbox";
import { Reports } from "../src/session/reports";

const ASSIGN: Assign = {
  type: "assign", token: "t", task: "k", task_name: "k", workunit: "w", language: "javascript", indexes: [4, 5, 6], payloads: [4, 5, 6].map((n) => new Uint8Array([n])),
  states: {}, unit_timeout_s: 60, memory_mb: 0, terms: DEFAULT_TERMS,
};
const LIMITS = { result: 100, state: 10 };
const done = (indexes: number[], size = 1) => ({
  type: "done" as const, token: "t", indexes, values: indexes.map(() => new Uint8Array(size)), seconds: indexes.map(() => 0.5),
});
const failed = (indexes: number[], error = "e") => ({ type: "failed" as const, token: "t", indexes, errors: indexes.map(() => error), kinds: indexes.map(() => "error" as const) });

describe("reports of the slots", () => {
  let batches: Batches;
  let outbox: Outbox;
  let reports: Reports;
  const out = (): Kept[] => outbox.pump(10, true).map(({ message }) => message);

  beforeEach(() => {
    batches = new Batches();
    batches.add(ASSIGN);
    outbox = new Outbox();
    reports = new Reports(batches, outbox);
  });

  it("answer each unit once, by what came first", () => {
    reports.take(done([4]), LIMITS, 0);
    reports.take(failed([4, 5]), LIMITS, 0);
    reports.take(done([5, 9]), LIMITS, 0);
    expect(out()).toMatchObject([{ type: "failed", indexes: [5] }, { type: "results", indexes: [4] }]);
  });

  it("do not wait when they are the last of their batch", () => {
    reports.take(done([4, 5]), LIMITS, 0);
    expect(outbox.pump(0)).toEqual([]);
    reports.take(done([6]), LIMITS, 0);
    expect(outbox.pump(0)).toMatchObject([{ message: { type: "results", indexes: [4, 5, 6] } }]);
  });

  it("fail a result that the distributor does not take, and keep the others", () => {
    reports.take({ ...done([4, 5]), values: [new Uint8Array(100), new Uint8Array(101)] }, LIMITS, 0);
    expect(out()).toMatchObject([
      { type: "failed", indexes: [5], kinds: ["result"], errors: ["result is 101 bytes; this distributor takes 100"] },
      { type: "results", indexes: [4] },
    ]);
  });

  it("have errors that fit a message", () => {
    reports.take(failed([4], "x".repeat(100_000)), LIMITS, 0);
    const [message] = out();
    expect(message?.type === "failed" ? message.errors[0]?.length : 0).toBe(4_000);
  });

  it("keep states of open units only, and none that is too large", () => {
    const save = (index: number, size: number): void => reports.take({ type: "checkpoint", token: "t", index, state: new Uint8Array(size) }, LIMITS, 0);
    reports.take(done([4]), LIMITS, 0);
    save(4, 1);
    save(5, 11);
    save(6, 10);
    expect(out().filter(({ type }) => type === "checkpoint")).toMatchObject([{ index: 6 }]);
  });

  it("make how long units take known, and how far they are", () => {
    expect(batches.take(1)?.indexes).toEqual([4]);
    reports.take({ ...done([4]), seconds: [0.001] }, LIMITS, 0);
    reports.take({ type: "progress", token: "t", index: 5, fraction: 0.25 }, LIMITS, 0);
    expect(batches.take(1)?.indexes).toEqual([5, 6]);
    expect([...batches.fractionsOf("t")]).toEqual([[5, 0.25]]);
  });
});
