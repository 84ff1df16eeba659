import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Bench, type StandIn } from "./realm_stand_ins";

const MB = 1024 * 1024;
const REST_MS = 20_000;
const KEEP_MS = 60_000;
/** The one that ran last stays longer. */
const IDLE_MS = 300_000;
/** What a realm takes beside what it tells of, in MiB. */
const OWN_MB = 48;
const REST = { type: "rest" };

describe("realms of tasks that take turns", () => {
  let bench: Bench;
  beforeEach(() => {
    vi.useFakeTimers();
    bench = new Bench(400);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Run a unit, and then one in JavaScript, so that its realm is kept; it tells what it takes. */
  const keep = (workunit: string, mb = 50): StandIn => {
    const realm = bench.work(workunit);
    bench.work("other", "javascript");
    if (realm.isAlive) realm.say({ type: "resting", bytes: mb * MB });
    return realm;
  };

  it("are there still when their turn comes", () => {
    const [a, b] = [bench.work("a"), bench.work("b")];
    expect([a.told.at(-1), a.isAlive]).toEqual([REST, true]);
    bench.said.length = 0;
    expect([bench.work("a"), bench.work("b"), bench.work("a")]).toEqual([a, b, a]);
    expect(bench.said.map((message) => message.type)).toEqual(["loaded", "done", "finished", "loaded", "done", "finished", "loaded", "done", "finished"]);
    expect(bench.realms.all.length).toBe(2);
  });

  it("are each a task's own, and a work unit's", () => {
    const realms = [bench.work("a", "python", "one"), bench.work("a", "python", "two"), bench.work("b", "python", "two")];
    expect(new Set(realms).size).toBe(3);
    expect([bench.work("a", "python", "one"), bench.work("a", "python", "two")]).toEqual(realms.slice(0, 2));
  });

  it("are kept beside other languages, which start quickly and are not", () => {
    const python = bench.work("a");
    const script = bench.work("b", "javascript");
    expect(python.isAlive).toBe(true);
    bench.work("c", "wasm");
    expect([script.isAlive, bench.work("a")]).toEqual([false, python]);
  });

  it("are three at most beside the one that runs, and the one used longest ago goes", () => {
    const realms = ["a", "b", "c", "d"].map((workunit) => bench.work(workunit));
    bench.work("a");
    bench.work("e");
    expect(realms.map((realm) => realm.isAlive)).toEqual([true, false, true, true]);
  });

  it("is there for its turn though it is the one used longest ago", () => {
    const realms = ["a", "b", "c", "d"].map((workunit) => bench.work(workunit));
    expect(bench.work("a")).toBe(realms[0]);
    expect(realms.every((realm) => realm.isAlive)).toBe(true);
  });

  it("fit together into the memory that they may have", () => {
    const [a, b, c] = [keep("a", 150 - OWN_MB), keep("b", 250 - OWN_MB), keep("c", 1)];
    expect([a.isAlive, b.isAlive, c.isAlive]).toEqual([false, true, true]);
  });

  it("is not kept when it takes more than that alone", () => {
    expect(keep("a", 400 - OWN_MB).isAlive).toBe(true);
    expect(keep("b", 401 - OWN_MB).isAlive).toBe(false);
  });

  it("is not kept for long when nobody wants it", () => {
    const kept = keep("a");
    vi.advanceTimersByTime(KEEP_MS - 1);
    expect(kept.isAlive).toBe(true);
    vi.advanceTimersByTime(1);
    expect(kept.isAlive).toBe(false);
    expect(bench.work("a")).not.toBe(kept);
  });

  it("goes when its unit left something that does not end", () => {
    const busy = bench.work("a");
    bench.work("b");
    vi.advanceTimersByTime(REST_MS);
    expect(busy.isAlive).toBe(false);
  });

  it.each(["death", "broken"])("that ends while it rests (%s) harms nobody", (how) => {
    const kept = keep("a");
    bench.said.length = 0;
    if (how === "death") kept.die();
    else kept.say({ type: "broken", error: "no memory", kind: "crash" });
    expect([kept.isAlive, bench.deaths, bench.said, bench.told]).toEqual([false, [], [], []]);
    expect(bench.work("a")).not.toBe(kept);
  });

  it("says nothing that counts while it rests", () => {
    const kept = keep("a");
    const run = bench.begin("b");
    bench.said.length = 0;
    kept.say({ type: "done", token: run.token, indexes: [0], values: [new Uint8Array([49])], seconds: [0] });
    kept.say({ type: "loaded" });
    expect(bench.said).toEqual([]);
  });

  it("dies as the one that runs when its turn has come again", () => {
    const kept = keep("a");
    bench.begin("a");
    kept.say({ type: "resting", bytes: 1000 * MB });
    expect(kept.isAlive).toBe(true);
    kept.die();
    expect(bench.deaths).toEqual(["out of memory"]);
  });

  it("end with their engine", () => {
    keep("a");
    keep("b");
    bench.engine.stop();
    expect(bench.realms.living).toEqual([]);
  });

  it("are told of, whenever their number changes", () => {
    keep("a");
    expect(bench.told).toEqual(["python"]);
    bench.work("b");
    expect(bench.told).toEqual(["python", "python"]);
    vi.advanceTimersByTime(1_000);
    expect(bench.told).toEqual(["python", "python", "python"]);
    vi.advanceTimersByTime(KEEP_MS);
    expect(bench.told).toEqual(["python"]);
    vi.advanceTimersByTime(IDLE_MS);
    expect([bench.told, bench.realms.living]).toEqual([[], []]);
  });

  it("the one that runs goes, too, when nothing is asked of it any more", () => {
    const realm = bench.work("a");
    vi.advanceTimersByTime(IDLE_MS - 1);
    const run = bench.begin("a");
    vi.advanceTimersByTime(2 * IDLE_MS);
    expect([realm.isAlive, bench.realmOf(run)]).toEqual([true, realm]);
    bench.answer(run);
    vi.advanceTimersByTime(IDLE_MS);
    expect([realm.isAlive, bench.told]).toEqual([false, []]);
  });

  it("in a language that starts quickly stays as it is", () => {
    const realm = bench.work("a", "javascript");
    vi.advanceTimersByTime(10 * IDLE_MS);
    expect([realm.isAlive, bench.told]).toEqual([true, []]);
  });
});
