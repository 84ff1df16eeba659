import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Engine, type RealmEvents, type Realms } from "../src/engine/engine";
import type { FromEngine, FromRealm, RealmSpec, RunMessage, ToRealm } from "../src/protocol/engine";
import { DEFAULT_TERMS } from "../src/protocol/messages";

/** What the engine made of a realm: what it was started with, what it was told, and whether it lives. */
class StandIn {
  readonly told: ToRealm[] = [];
  isAlive = true;

  constructor(
    readonly spec: RealmSpec,
    private readonly events: RealmEvents,
  ) {}

  say(message: FromRealm): void {
    this.events.message(message);
  }

  die(): void {
    this.events.death("out of memory");
  }
}

class StandIns implements Realms {
  readonly all: StandIn[] = [];

  keep(): void {
    throw new Error("no files are needed here");
  }

  spawn(spec: RealmSpec, events: RealmEvents): { post(message: ToRealm): void; terminate(): void } {
    const realm = new StandIn(spec, events);
    this.all.push(realm);
    return {
      post: (message) => realm.told.push(message),
      terminate: () => {
        realm.isAlive = false;
      },
    };
  }

  get living(): StandIn[] {
    return this.all.filter((realm) => realm.isAlive);
  }
}

const IDLE_MS = 1_000;
const KEEP_MS = 60_000;
const DONE = new Uint8Array([48]);

describe("the spare realm of an engine", () => {
  let realms: StandIns;
  let engine: Engine;
  let said: FromEngine[];
  let deaths: string[];

  beforeEach(() => {
    vi.useFakeTimers();
    realms = new StandIns();
    said = [];
    deaths = [];
    engine = new Engine(realms, (message) => said.push(message), (reason) => deaths.push(reason));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const begin = (workunit: string, language = "python", memory_mb = 0): RunMessage => {
    const code = new TextEncoder().encode(workunit);
    const run: RunMessage = {
      type: "run", token: workunit, task: "task", workunit, indexes: [0], payloads: [DONE], states: {}, unit_timeout_s: 1, memory_mb,
      terms: { ...DEFAULT_TERMS, max_log_bytes: memory_mb }, single: false,
    };
    engine.handle({ type: "load", workunit, language, code });
    engine.handle(run);
    return run;
  };
  /** Answer a run from the newest living realm that has it. */
  const answer = (run: RunMessage): void => {
    const realm = realms.living.find((one) => one.told.includes(run));
    realm?.say({ type: "loaded" });
    realm?.say({ type: "done", token: run.token, indexes: [0], values: [DONE], seconds: [0] });
  };
  const work = (workunit: string, language = "python"): void => {
    answer(begin(workunit, language));
  };
  /** Let a Python realm run and rest; return the spare that comes, ready. */
  const spareAfter = (workunit: string): StandIn => {
    work(workunit);
    vi.advanceTimersByTime(IDLE_MS);
    const spare = realms.all.at(-1) as StandIn;
    expect(spare.spec).toEqual({ language: "python", unit: null });
    spare.say({ type: "prepared" });
    return spare;
  };

  it("comes when the engine had nothing to run for a while, and has no unit", () => {
    work("a");
    vi.advanceTimersByTime(IDLE_MS - 1);
    expect(realms.all.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(realms.all.map((realm) => realm.spec.unit?.workunit)).toEqual(["a", undefined]);
    expect(realms.living[1]?.told).toEqual([]);
  });

  it("gets the next unit, with its limits, and the realm before it ends", () => {
    const spare = spareAfter("a");
    const run = begin("b", "python", 64);
    const { terms } = run;
    expect(spare.told).toEqual([{ type: "unit", unit: { code: new TextEncoder().encode("b"), memory_mb: 64, terms } }, run]);
    expect(realms.living).toEqual([spare]);
    said.length = 0;
    answer(run);
    expect(said.map((message) => message.type)).toEqual(["loaded", "done", "finished"]);
  });

  it("is given once: the task after that gets another one", () => {
    const first = spareAfter("a");
    const second = spareAfter("b");
    expect(second).not.toBe(first);
    work("c");
    expect([first.isAlive, realms.living]).toEqual([false, [second]]);
  });

  it("may be given before it is ready", () => {
    work("a");
    vi.advanceTimersByTime(IDLE_MS);
    const spare = realms.all.at(-1) as StandIn;
    const run = begin("b");
    spare.say({ type: "prepared" });
    said.length = 0;
    answer(run);
    expect(said.map((message) => message.type)).toEqual(["loaded", "done", "finished"]);
    expect(realms.all.length).toBe(2);
  });

  it("that takes the default memory says so", () => {
    const spare = spareAfter("a");
    begin("b");
    expect(spare.told[0]).toMatchObject({ unit: { memory_mb: 512 } });
  });

  it("never starts beside a unit, nor goes on with its start", () => {
    work("a");
    vi.advanceTimersByTime(IDLE_MS / 2);
    const run = begin("a");
    vi.advanceTimersByTime(10 * IDLE_MS);
    expect(realms.all.length).toBe(1);
    answer(run);
    vi.advanceTimersByTime(IDLE_MS);
    expect(realms.living.length).toBe(2);
    begin("a");
    expect(realms.living.map((realm) => realm.spec.unit?.workunit)).toEqual(["a"]);
  });

  it("waits twice as long after a start that was in vain", () => {
    work("a");
    vi.advanceTimersByTime(IDLE_MS);
    work("a");
    vi.advanceTimersByTime(2 * IDLE_MS - 1);
    expect(realms.all.length).toBe(2);
    vi.advanceTimersByTime(1);
    expect(realms.all.length).toBe(3);
  });

  it("stays when the realm before it goes on, and goes when nobody wants it", () => {
    const spare = spareAfter("a");
    work("a");
    expect(spare.isAlive).toBe(true);
    vi.advanceTimersByTime(KEEP_MS);
    expect(realms.living.map((realm) => realm.spec.unit?.workunit)).toEqual(["a"]);
    vi.advanceTimersByTime(10 * KEEP_MS);
    expect(realms.all.length).toBe(2);
  });

  it("goes when another language runs, and languages that start quickly have none", () => {
    const spare = spareAfter("a");
    work("b", "javascript");
    expect(spare.isAlive).toBe(false);
    vi.advanceTimersByTime(10 * KEEP_MS);
    expect(realms.all.map((realm) => realm.spec.language)).toEqual(["python", "python", "javascript"]);
  });

  it("goes with the engine's other realm, and none comes after that", () => {
    work("a");
    engine.stop();
    vi.advanceTimersByTime(10 * KEEP_MS);
    expect(realms.all.length).toBe(1);
    const spare = spareAfter("a");
    engine.stop();
    expect([spare.isAlive, realms.living]).toEqual([false, []]);
    vi.advanceTimersByTime(10 * KEEP_MS);
    expect(realms.living).toEqual([]);
  });

  it.each(["broken", "death"])("that does not come up (%s) harms nobody", (how) => {
    work("a");
    vi.advanceTimersByTime(IDLE_MS);
    const spare = realms.all.at(-1) as StandIn;
    said.length = 0;
    if (how === "death") spare.die();
    else spare.say({ type: "broken", error: "no memory", kind: "crash" });
    expect([spare.isAlive, said, deaths]).toEqual([false, [], []]);
    const run = begin("b");
    expect(realms.all.at(-1)?.spec.unit?.workunit).toBe("b");
    answer(run);
    expect(said.map((message) => message.type)).toEqual(["loaded", "done", "finished"]);
  });

  it("that was given away and dies takes its engine with it, as every realm does", () => {
    const spare = spareAfter("a");
    begin("b");
    spare.die();
    expect(deaths).toEqual(["out of memory"]);
  });
});
