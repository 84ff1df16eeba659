import { expect, test } from "vitest";
import { asked, doer, place, secondsOf, words } from "../../src/events/model";

test("the page's query becomes the manager's, and what it does not know is left out", () => {
  const sent = asked(new URLSearchParams("who=ada&verb=&outcome=ok&x=1&since=2026-11-22&until=2026-11-22"));
  const start = new Date(2026, 10, 22).getTime() / 1000;
  expect([...sent]).toEqual([
    ["who", "ada"],
    ["outcome", "ok"],
    ["since", String(start)],
    ["until", String(start + 86_400)],
  ]);
});

test.each(["", "soon", "2026-1-1", "2026-11-22T10:00"])("%s is no day", (text) => {
  expect(secondsOf(text, false)).toBeNull();
});

test("deeds lead to what they are about", () => {
  expect(place("task", "a/b")).toBe("/tasks/a%2Fb");
  expect(place("user", "ada")).toBe("/settings");
  expect(place("distributor", "d1")).toBe("/fleet");
  expect(place("blob", "00")).toBeNull();
  expect(place("task", "")).toBeNull();
  expect([doer(""), doer("ada"), doer("machine"), words("create_task")]).toEqual([
    "somebody unknown",
    "ada",
    "the manager's own token",
    "create task",
  ]);
});
