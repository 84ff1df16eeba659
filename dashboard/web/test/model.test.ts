import { expect, test } from "vitest";
import { isOver, TASK_STATES, verbsOf } from "../src/model";

test("every task can be deleted, and only open ones paused, resumed or cancelled", () => {
  for (const state of TASK_STATES) {
    const verbs = verbsOf({ state, failed: 0 });
    expect(verbs).toContain("delete");
    expect(verbs.includes("cancel")).toBe(!isOver(state));
  }
  expect(verbsOf({ state: "paused", failed: 0 })).toEqual(["resume", "cancel", "delete"]);
});

test("retry is offered where failed payloads can be handed out again", () => {
  expect(TASK_STATES.filter((state) => verbsOf({ state, failed: 1 }).includes("retry"))).toEqual([
    "running",
    "paused",
    "failed",
  ]);
  expect(verbsOf({ state: "failed", failed: 0 })).toEqual(["delete"]);
});
