import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Bench, type StandIn } from "./realm_stand_ins";

const IDLE_MS = 1_000;
const KEEP_MS = 60_000;

describe("the spare realm of an engine", () => {
  let bench: Bench;
  beforeEach(() => {
    vi.useFakeTimers();
    bench = new Bench();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Let a Python realm run and rest; return the spare that comes, ready. */
  const spareAfter = (workunit: string): StandIn => {
    bench.work(workunit);
    vi.advanceTimersByTime(IDLE_MS);
    const spare = bench.realms.all.at(-1) as StandIn;
    expect(spare.spec).toEqual({ language: "python", unit: null });
    spare.say({ type: "prepared" });
    return spare;
  };

  it("comes when the engine had nothing to run for a while, and has no unit", () => {
    bench.work("a");
    vi.advanceTimersByTime(IDLE_MS - 1);
    expect(bench.realms.all.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(bench.realms.all.map((realm) => realm.spec.unit?.workunit)).toEqual(["a", undefined]);
    expect(bench.realms.living[1]?.told).toEqual([]);
  });

  it("does not come while there is no time for it, and takes time until it is ready", () => {
    let mayStart = false;
    bench = new Bench(undefined, () => mayStart);
    bench.work("a");
    vi.advanceTimersByTime(10 * IDLE_MS);
    expect(bench.realms.all.length).toBe(1);
    expect(bench.engine.isStarting).toBe(false);
    mayStart = true;
    vi.advanceTimersByTime(IDLE_MS);
    expect(bench.engine.isStarting).toBe(true);
    bench.realms.all[1]?.say({ type: "prepared" });
    expect(bench.engine.isStarting).toBe(false);
  });

  it("does not come after the engine was hushed, before it ran something again", () => {
    bench.work("a");
    bench.engine.hush();
    vi.advanceTimersByTime(10 * IDLE_MS);
    expect(bench.realms.all.length).toBe(1);
    bench.work("a");
    vi.advanceTimersByTime(IDLE_MS);
    expect(bench.realms.all.length).toBe(2);
  });

  it("gets the next unit, with its limits, and the realm before it rests", () => {
    const spare = spareAfter("a");
    const run = bench.begin("b", "python", 64);
    const { terms } = run;
    expect(spare.told).toEqual([{ type: "unit", unit: { code: new TextEncoder().encode("b"), memory_mb: 64, terms } }, run]);
    expect(bench.realms.all[0]?.told.at(-1)).toEqual({ type: "rest" });
    bench.said.length = 0;
    bench.answer(run);
    expect(bench.said.map((message) => message.type)).toEqual(["loaded", "done", "finished"]);
  });

  it("is given once: the task after that gets another one", () => {
    const first = spareAfter("a");
    const second = spareAfter("b");
    expect(second).not.toBe(first);
    const run = bench.begin("c");
    expect([second.told.includes(run), first.told.includes(run)]).toEqual([true, false]);
  });

  it("may be given before it is ready", () => {
    bench.work("a");
    vi.advanceTimersByTime(IDLE_MS);
    const spare = bench.realms.all.at(-1) as StandIn;
    const run = bench.begin("b");
    spare.say({ type: "prepared" });
    bench.said.length = 0;
    bench.answer(run);
    expect(bench.said.map((message) => message.type)).toEqual(["loaded", "done", "finished"]);
    expect(bench.realms.all.length).toBe(2);
  });

  it("that takes the default memory says so", () => {
    const spare = spareAfter("a");
    bench.begin("b");
    expect(spare.told[0]).toMatchObject({ unit: { memory_mb: 512 } });
  });

  it("never starts beside a unit, nor goes on with its start", () => {
    bench.work("a");
    vi.advanceTimersByTime(IDLE_MS / 2);
    const run = bench.begin("a");
    vi.advanceTimersByTime(10 * IDLE_MS);
    expect(bench.realms.all.length).toBe(1);
    bench.answer(run);
    vi.advanceTimersByTime(IDLE_MS);
    expect(bench.realms.living.length).toBe(2);
    bench.begin("a");
    expect(bench.realms.living.map((realm) => realm.spec.unit?.workunit)).toEqual(["a"]);
  });

  it("waits twice as long after a start that was in vain", () => {
    bench.work("a");
    vi.advanceTimersByTime(IDLE_MS);
    bench.work("a");
    vi.advanceTimersByTime(2 * IDLE_MS - 1);
    expect(bench.realms.all.length).toBe(2);
    vi.advanceTimersByTime(1);
    expect(bench.realms.all.length).toBe(3);
  });

  it("stays when the realm before it goes on, and goes when nobody wants it", () => {
    const spare = spareAfter("a");
    bench.work("a");
    expect(spare.isAlive).toBe(true);
    vi.advanceTimersByTime(KEEP_MS);
    expect(bench.realms.living.map((realm) => realm.spec.unit?.workunit)).toEqual(["a"]);
    vi.advanceTimersByTime(20 * KEEP_MS);
    expect(bench.realms.all.length).toBe(2);
  });

  it("goes when another language runs, and languages that start quickly have none", () => {
    const spare = spareAfter("a");
    bench.work("b", "javascript");
    expect(spare.isAlive).toBe(false);
    vi.advanceTimersByTime(10 * KEEP_MS);
    expect(bench.realms.all.map((realm) => realm.spec.language)).toEqual(["python", "python", "javascript"]);
  });

  it("goes with the engine's other realm, and none comes after that", () => {
    bench.work("a");
    bench.engine.stop();
    vi.advanceTimersByTime(10 * KEEP_MS);
    expect(bench.realms.all.length).toBe(1);
    const spare = spareAfter("a");
    bench.engine.stop();
    expect([spare.isAlive, bench.realms.living]).toEqual([false, []]);
    vi.advanceTimersByTime(10 * KEEP_MS);
    expect(bench.realms.living).toEqual([]);
  });

  it.each(["broken", "death"])("that does not come up (%s) harms nobody", (how) => {
    bench.work("a");
    vi.advanceTimersByTime(IDLE_MS);
    const spare = bench.realms.all.at(-1) as StandIn;
    bench.said.length = 0;
    if (how === "death") spare.die();
    else spare.say({ type: "broken", error: "no memory", kind: "crash" });
    expect([spare.isAlive, bench.said, bench.deaths]).toEqual([false, [], []]);
    const run = bench.begin("b");
    expect(bench.realms.all.at(-1)?.spec.unit?.workunit).toBe("b");
    bench.answer(run);
    expect(bench.said.map((message) => message.type)).toEqual(["loaded", "done", "finished"]);
  });

  it("that was given away and dies takes its engine with it, as every realm does", () => {
    const spare = spareAfter("a");
    bench.begin("b");
    spare.die();
    expect(bench.deaths).toEqual(["out of memory"]);
  });
});
