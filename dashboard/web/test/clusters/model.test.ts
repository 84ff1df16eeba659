import { expect, test } from "vitest";
import { type ClusterRow, factsOf, leaveFor, nameOf } from "../../src/clusters/model";

const ROW: ClusterRow = {
  key: "ab12",
  title: "lab",
  address: "192.0.2.1:8700",
  state: "online",
  is_found: true,
  signed_in: false,
  chosen: false,
  instead: "",
  instead_address: "",
  managers: 2,
};

test("a title never stands without its address: anybody can announce any title", () => {
  expect(nameOf(ROW)).toBe("lab (192.0.2.1:8700)");
  expect(nameOf({ ...ROW, title: ROW.address })).toBe("192.0.2.1:8700");
  expect(nameOf({ ...ROW, address: "" })).toBe("lab");
});

test("what is known of a cluster is told in words", () => {
  expect(factsOf(ROW)).toBe("not signed in, found on this network, 2 managers");
  expect(factsOf({ ...ROW, signed_in: true, is_found: false, managers: 1 })).toBe("signed in");
});

test("a choice leads through the sign-in page", () => {
  expect(leaveFor("a/b")).toBe("/login?cluster=a%2Fb");
});
