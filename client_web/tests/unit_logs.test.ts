import { describe, expect, it } from "vitest";
import { DEFAULT_TERMS, type Assign } from "../src/protocol/messages";
import { Batches } from "../src/session/batches";
import { Outbox } from "../src/session/outbox";
import { Reports } from "../src/session/reports";
import { MAX_MESSAGE_CHARS, NO_ROOM, UnitLogs } from "../src/session/unit_logs";

describe("logs of units", () => {
  it("are taken once", () => {
    const logs = new UnitLogs();
    logs.add("t", 3, "one");
    logs.add("t", 3, "two");
    logs.add("u", 3, "other");
    expect([logs.take("t", 3), logs.take("t", 3), logs.take("u", 3), logs.take("t", 4)]).toEqual(["one\ntwo", "", "other", ""]);
  });

  it("keep their end, and tell how much went before it", () => {
    const logs = new UnitLogs();
    logs.add("t", 1, "a".repeat(5_000));
    logs.add("t", 1, "b");
    expect(logs.take("t", 1)).toBe(`[1,002 characters before this are left out]\n${"a".repeat(3_998)}\nb`);
  });

  it("are of so many units at a time", () => {
    const logs = new UnitLogs();
    for (let index = 0; index < 1_001; index += 1) logs.add("t", index, "x");
    expect([logs.take("t", 0), logs.take("t", 1)]).toEqual(["", "x"]);
  });

  it("go out with the answers of their units", () => {
    const batches = new Batches();
    const payloads = [4, 5, 6].map((n) => new Uint8Array([n]));
    const assign: Assign = {
      type: "assign", token: "t", task: "k", task_name: "k", workunit: "w", language: "javascript", indexes: [4, 5, 6], payloads,
      states: {}, unit_timeout_s: 60, memory_mb: 0, terms: DEFAULT_TERMS,
    };
    batches.add(assign);
    const outbox = new Outbox();
    const reports = new Reports(batches, outbox);
    const limits = { result: 100, state: 10 };
    for (const index of [4, 5, 9]) reports.take({ type: "log", token: "t", index, text: `of ${index}` }, limits, 0);
    reports.take({ type: "failed", token: "t", indexes: [4], errors: ["e"], kinds: ["error"] }, limits, 0);
    reports.take({ type: "done", token: "t", indexes: [5, 6], values: payloads.slice(1), seconds: [1, 1] }, limits, 0);
    expect(outbox.pump(10, true).map(({ message }) => message)).toMatchObject([
      { type: "failed", logged: [4], logs: ["of 4"] },
      { type: "results", logged: [5], logs: ["of 5"] },
    ]);
  });

  it("fill a message only so far", () => {
    const outbox = new Outbox();
    const long = "x".repeat(MAX_MESSAGE_CHARS / 2 + 1);
    for (const index of [1, 2]) outbox.addResult("t", index, new Uint8Array(1), 1, 0, long);
    expect(outbox.pump(10, true)[0]?.message).toMatchObject({ logged: [1, 2], logs: [long, NO_ROOM] });
  });
});
