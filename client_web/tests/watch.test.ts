import { describe, expect, it } from "vitest";
import { Watch } from "../src/client/watch";
import { Wear } from "../src/client/wear";
import { DEFAULT_TERMS } from "../src/protocol/messages";

const RUN = { token: "t", task: "k", workunit: "w", indexes: [4, 5, 6], payloads: [new Uint8Array(1), new Uint8Array(2), new Uint8Array(3)], states: {}, unit_timeout_s: 10, memory_mb: 0, terms: DEFAULT_TERMS };
const LOADED = { type: "loaded" as const, token: "t" };
const done = (index: number) => ({ type: "done" as const, token: "t", indexes: [index], values: [new Uint8Array()], seconds: [0] });

describe("a watchdog", () => {
  it("lets a unit that runs again go on from the state that it saved last", () => {
    const watch = new Watch();
    watch.begin({ ...RUN, states: { 5: new Uint8Array([1]) } }, "javascript", false, 0);
    watch.hear(done(4), 1);
    watch.hear({ type: "checkpoint", token: "t", index: 5, state: new Uint8Array([2]) }, 2);
    watch.hear({ type: "checkpoint", token: "t", index: 4, state: new Uint8Array([9]) }, 2);
    const again = watch.cut();
    expect(again?.indexes).toEqual([5, 6]);
    expect(again?.states).toEqual({ 5: new Uint8Array([2]) });
  });

  it("is overdue when no unit was answered for its time limit", () => {
    const watch = new Watch();
    watch.begin(RUN, "javascript", false, 0);
    watch.hear(LOADED, 0);
    expect(watch.isOverdue(10)).toBe(false);
    watch.hear(done(4), 10);
    expect(watch.isOverdue(20)).toBe(false);
    expect(watch.isOverdue(22)).toBe(true);
  });

  it("blames nobody of a shared run and runs the unanswered rest one by one", () => {
    const watch = new Watch();
    watch.begin(RUN, "javascript", false, 0);
    watch.hear(done(4), 1);
    const { blamed, again } = watch.lose("timeout");
    expect(blamed).toBeNull();
    expect(again).toMatchObject({ single: true, indexes: [5, 6], payloads: [RUN.payloads[1], RUN.payloads[2]] });
  });

  it("blames the unit that ran alone, and that one only", () => {
    const watch = new Watch();
    watch.begin(RUN, "javascript", true, 0);
    watch.hear({ type: "started", token: "t", index: 4 }, 0);
    watch.hear(done(4), 1);
    watch.hear({ type: "started", token: "t", index: 5 }, 1);
    const { blamed, again } = watch.lose("crash");
    expect(blamed).toMatchObject({ token: "t", indexes: [5], kind: "crash" });
    expect(again?.indexes).toEqual([6]);
  });

  it("blames a unit that spoiled its realm without an answer, and not the one that was started after it", () => {
    const watch = new Watch();
    watch.begin(RUN, "javascript", true, 0);
    watch.hear({ type: "started", token: "t", index: 4 }, 0);
    watch.hear({ type: "started", token: "t", index: 5 }, 1);
    const { blamed, again } = watch.lose("timeout");
    expect(blamed?.indexes).toEqual([4]);
    expect(again?.indexes).toEqual([5, 6]);
  });

  it.each([["javascript", 10], ["wasm", 20], ["python", 60]])("gives %s %i s to load, and then fails every unit", (language, load_s) => {
    const watch = new Watch();
    watch.begin(RUN, language, false, 0);
    expect([watch.isOverdue(load_s), watch.isOverdue(load_s + 0.1)]).toEqual([false, true]);
    const { blamed, again } = watch.lose("timeout");
    expect(blamed).toMatchObject({ indexes: [4, 5, 6], kind: "timeout", error: `the work unit does not load: its code was not ready within ${load_s} s` });
    expect(again).toBeNull();
  });

  it("blames nobody for a crash on the first pass, not even a lone unit, nor for one that others may have caused", () => {
    const alone = { ...RUN, indexes: [4], payloads: [new Uint8Array(1)] };
    const watch = new Watch();
    watch.begin(alone, "javascript", false, 0);
    watch.hear(LOADED, 0);
    expect(watch.lose("crash")).toMatchObject({ blamed: null, again: { single: true, indexes: [4] } });
    watch.begin(alone, "javascript", true, 0);
    watch.hear(LOADED, 0);
    expect(watch.lose("crash", false)).toMatchObject({ blamed: null, again: { indexes: [4] } });
    watch.begin(alone, "javascript", true, 0);
    watch.hear(LOADED, 0);
    expect(watch.lose("crash").blamed).toMatchObject({ indexes: [4], kind: "crash" });
  });

  it("is doomed only while a cancelled unit runs, and keeps the others of the run", () => {
    const watch = new Watch();
    watch.begin(RUN, "javascript", false, 0);
    watch.cancel("t", new Set([5, 99]));
    expect(watch.isDoomed).toBe(false);
    watch.hear(done(4), 1);
    expect(watch.isDoomed).toBe(true);
    expect(watch.cut()).toMatchObject({ single: false, indexes: [6], payloads: [RUN.payloads[2]] });
    expect([watch.isIdle, watch.isDoomed]).toEqual([true, false]);
  });

  it("runs no cancelled unit again after its engine was lost, and knows nothing of other tokens", () => {
    const watch = new Watch();
    watch.begin(RUN, "javascript", false, 0);
    watch.cancel("u", new Set([4]));
    watch.cancel("t", new Set([5, 6]));
    expect(watch.lose("crash").again?.indexes).toEqual([4]);
    expect(watch.cut()).toBeNull();
  });

  it("has nothing to say about a run that was cancelled", () => {
    const watch = new Watch();
    watch.begin(RUN, "javascript", true, 0);
    watch.forget();
    expect(watch.lose("timeout")).toEqual({ blamed: null, again: null });
  });
});

describe("a worn frame", () => {
  it("goes when nothing runs in it, or when what runs does not end in time: each time later", () => {
    const wear = new Wear();
    expect([wear.isOn, wear.isDue(100, false)]).toEqual([false, false]);
    wear.note(100);
    wear.note(101);
    expect([wear.isOn, wear.isDue(100, false), wear.isDue(101.9, true), wear.isDue(102, true)]).toEqual([true, true, false, true]);
    wear.renewed(true);
    wear.note(200);
    expect([wear.isDue(203.9, true), wear.isDue(204, true)]).toEqual([false, true]);
    wear.renewed(false);
    wear.note(300);
    expect(wear.isDue(302, true)).toBe(true);
  });
});
