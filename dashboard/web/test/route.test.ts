import { expect, test } from "vitest";
import { parseRoute, query, setQuery } from "../src/route";

test("paths name pages", () => {
  expect(parseRoute("/")).toEqual({ page: "overview" });
  expect(parseRoute("/tasks")).toEqual({ page: "tasks" });
  expect(parseRoute("/fleet")).toEqual({ page: "fleet" });
  expect(parseRoute("/tasks/new")).toEqual({ page: "new" });
  expect(parseRoute("/tasks/a%20b")).toEqual({ page: "task", id: "a b" });
  expect(parseRoute("/tasks/a/payloads/12")).toEqual({ page: "payload", id: "a", index: 12 });
  expect(parseRoute("/tasks/a/payloads/x")).toEqual({ page: "missing" });
  expect(parseRoute("/tasks/a/b")).toEqual({ page: "missing" });
  expect(parseRoute("/tasks/%")).toEqual({ page: "missing" });
});

test("the query is part of the address, and a page may change it", () => {
  history.replaceState(null, "", "/tasks?state=done");
  setQuery({ q: "pi", state: "" });
  expect(location.search).toBe("?q=pi");
  expect(query.value.get("q")).toBe("pi");
  setQuery({ q: "" });
  expect(location.pathname + location.search).toBe("/tasks");
});
