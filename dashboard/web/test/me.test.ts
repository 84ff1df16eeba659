import { beforeEach, expect, test } from "vitest";
import { may, mayChange, me, ROLES } from "../src/me";

beforeEach(() => {
  me.value = null;
});

test("nobody may anything until it is known who they are", () => {
  expect(ROLES.filter(may)).toEqual([]);
  expect(mayChange("ada")).toBe(false);
});

test.each(ROLES)("%s may what the ones before may", (role) => {
  me.value = { name: "ada", role };
  expect(ROLES.filter(may)).toEqual(ROLES.slice(0, ROLES.indexOf(role) + 1));
});

test("researchers change their own tasks, operators all", () => {
  const seen = (["viewer", "researcher", "operator"] as const).map((role) => {
    me.value = { name: "ada", role };
    return [mayChange("ada"), mayChange("bob"), mayChange(""), mayChange(undefined)];
  });
  expect(seen).toEqual([
    [false, false, false, false],
    [true, false, false, false],
    [true, true, true, true],
  ]);
});
