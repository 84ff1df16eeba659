import { describe, expect, it } from "vitest";
import { readHelp, verdict, wishIn, type Help } from "../src/embed/wished";

const TASK = { id: "k1", name: "Stars", state: "running", total: 10, done: 4 };
const help = (changed: Partial<Help>): Help => ({ task: null, others: [], is_sure: true, ...changed });

describe("the wish in an address", () => {
  it("is an id, or nothing", () => {
    expect(wishIn("?task=k-1_b")).toBe("k-1_b");
    for (const search of ["", "?other=1", "?task=", "?task=a%2Fb", `?task=${"x".repeat(65)}`]) expect(wishIn(search)).toBe("");
  });
});

describe("what the distributor says", () => {
  it("is taken as far as it makes sense", () => {
    expect(readHelp({ task: TASK, others: [TASK, { id: "a b" }, 3, null], is_sure: true })).toEqual({ task: TASK, others: [TASK], is_sure: true });
    for (const nonsense of [null, 3, "x", [], { others: 3, task: { id: 3 } }]) expect(readHelp(nonsense)).toEqual({ task: null, others: [], is_sure: false });
  });

  it("is bounded", () => {
    const many = readHelp({ others: Array.from({ length: 100 }, () => ({ ...TASK, name: "n".repeat(1000) })) });
    expect(many.others).toHaveLength(20);
    expect(many.others[0]?.name).toHaveLength(200);
  });
});

describe("the wished task", () => {
  it("comes first while it is open", () => {
    expect(verdict("k1", help({ task: TASK }))).toEqual({ key: "task_first", isOpen: true });
    expect(verdict("k1", help({ task: { ...TASK, state: "paused" } }))).toEqual({ key: "task_paused", isOpen: true });
  });

  it("is not asked for when it is over or was never there", () => {
    expect(verdict("k1", help({ task: { ...TASK, state: "done" } }))).toEqual({ key: "task_done", isOpen: false });
    expect(verdict("k1", help({ task: { ...TASK, state: "cancelled" } }))).toEqual({ key: "task_ended", isOpen: false });
    expect(verdict("k1", help({}))).toEqual({ key: "task_unknown", isOpen: false });
  });

  it("is asked for all the same when nobody could tell", () => {
    expect(verdict("k1", help({ is_sure: false }))).toEqual({ key: null, isOpen: true });
    expect(verdict("", help({}))).toEqual({ key: null, isOpen: false });
  });
});
