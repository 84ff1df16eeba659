import { expect, test } from "vitest";
import { parseRoute } from "../src/route";

test("paths name pages", () => {
  expect(parseRoute("/")).toEqual({ page: "tasks" });
  expect(parseRoute("/tasks")).toEqual({ page: "tasks" });
  expect(parseRoute("/fleet")).toEqual({ page: "fleet" });
  expect(parseRoute("/tasks/new")).toEqual({ page: "new" });
  expect(parseRoute("/tasks/a%20b")).toEqual({ page: "task", id: "a b" });
  expect(parseRoute("/tasks/a/b")).toEqual({ page: "missing" });
  expect(parseRoute("/tasks/%")).toEqual({ page: "missing" });
});
