import { describe, expect, it } from "vitest";
import type { Task } from "../../src/model";
import { askedFor, filterOf, isNarrow, wantedOf } from "../../src/tasks/filter";
import { begin, withNews, withoutOne } from "../../src/tasks/list";

describe("the filter in the address", () => {
  it("asks the manager for the same tasks", () => {
    const wanted = wantedOf(
      new URLSearchParams("state=done,failed,x&q=a b&owner=ann&created=24h&failures=yes&sort=ended&page=5~3"),
    );
    const asked = new URLSearchParams(askedFor(wanted, 100_000.5));
    expect(Object.fromEntries(asked)).toEqual({
      limit: "50",
      state: "done,failed",
      q: "a b",
      owner: "ann",
      created_from: "13600",
      failures: "true",
      sort: "ended",
      cursor: "3",
    });
    expect(filterOf(wanted, 100_000.5)).toEqual({
      state: ["done", "failed"],
      q: "a b",
      owner: "ann",
      created_from: 13_600,
      failures: true,
    });
  });
  it("that narrows nothing says so", () => {
    const wanted = wantedOf(new URLSearchParams("sort=worst&created=soon"));
    expect(isNarrow(wanted)).toBe(false);
    expect(filterOf(wanted, 0)).toEqual({ all: true });
    expect(askedFor(wanted, 0)).toBe("limit=50");
  });
});

function task(number: number): Task {
  return { id: `t${number}`, number, name: "", state: "queued", total: 1, done: 0, failed: 0, leased: 0 } as Task;
}

describe("the page of tasks", () => {
  const shown = begin({ items: [task(5), task(3)], next_cursor: null, total: 2 }, null);
  it("changes rows in their places", () => {
    const next = withNews(shown, { ...task(3), done: 1 });
    expect(next.list.items.map(({ id, done }) => [id, done])).toEqual([
      ["t5", 0],
      ["t3", 1],
    ]);
  });
  it("counts what is new once, and old ones of other pages not at all", () => {
    const next = withNews(withNews(withNews(shown, task(6)), task(6)), task(2));
    expect([...next.fresh]).toEqual(["t6"]);
    expect(next.list.items.length).toBe(2);
    expect(withoutOne(next, "t6").fresh.size).toBe(0);
  });
  it("keeps the place of what is deleted", () => {
    const next = withoutOne(shown, "t5");
    expect(next.list.items.length).toBe(2);
    expect([...next.gone]).toEqual(["t5"]);
  });
});
