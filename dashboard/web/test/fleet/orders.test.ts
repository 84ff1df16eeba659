import { describe, expect, it } from "vitest";
import { actionsOf, NOTHING, sentencesOf, versionsOf } from "../../src/fleet/orders";

describe("what can be done to a distributor", () => {
  it("is what is not done already", () => {
    expect(actionsOf({ state: "online", orders: NOTHING })).toEqual(["pause", "stop", "drain"]);
    expect(actionsOf({ state: "paused", orders: { ...NOTHING, paused: true } })).toEqual(["resume", "stop", "drain"]);
    expect(actionsOf({ state: "draining", orders: { ...NOTHING, drained: true } })).toEqual([
      "pause",
      "stop",
      "undrain",
    ]);
    expect(actionsOf({ state: "online", orders: { ...NOTHING, tasks: ["t"] } })).toContain("resume");
    expect(actionsOf({ state: "refused" })).toEqual([]);
  });
});

describe("what operators want", () => {
  it("is told in sentences, with the reason, and that an absent one hears of it later", () => {
    expect(sentencesOf({ state: "online", orders: NOTHING })).toEqual([]);
    const wanted = { ...NOTHING, stopped: true, paused: true, reason: "exams", tasks: ["a", "b"], max_slots: 7 };
    expect(sentencesOf({ state: "offline", orders: wanted })).toEqual([
      "Stopped by an operator: its clients run nothing. Reason: exams It is told when it is back.",
      "Stopped here: 2 tasks. It is told when it is back.",
      "Capped at 7 slots. It is told when it is back.",
    ]);
  });
});

it("counts distributors and clients by version", () => {
  const rows = [
    { software: "disio/2", clients: 1 },
    { software: "disio/1", clients: 2 },
    { software: "disio/1", clients: 3 },
    { software: "", clients: 4 },
  ];
  expect(versionsOf(rows)).toEqual([
    { version: "disio/1", distributors: 2, clients: 5 },
    { version: "disio/2", distributors: 1, clients: 1 },
    { version: "unknown", distributors: 1, clients: 4 },
  ]);
});
