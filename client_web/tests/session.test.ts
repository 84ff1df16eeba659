import { beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TERMS, type Assign, type ToClient, type Welcome } from "../src/protocol/messages";
import { HELLO_ID, Session, type Command } from "../src/session/session";

const WELCOME: Welcome = {
  type: "welcome", version: 1, client_id: "c", secret: "s", distributor: "d", heartbeat_s: 10, max_result_bytes: 100, max_state_bytes: 100, siblings: [],
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function assign(token: string, count: number): Assign {
  const indexes = Array.from({ length: count }, (_, i) => i);
  return {
    type: "assign", token, task: "k", task_name: "k", workunit: "w", language: "javascript", indexes, payloads: indexes.map((i) => bytes(String(i))),
    states: { 1: bytes("7") }, unit_timeout_s: 60, memory_mb: 0, terms: DEFAULT_TERMS,
  };
}

describe("a session", () => {
  let session: Session;
  let now = 0;
  const asked = (commands: Command[]) => commands.filter((c) => c.type === "ask");
  const sent = (commands: Command[]) => commands.flatMap((c) => (c.type === "send" ? [c.message.type] : []));
  const hear = (message: ToClient) => session.handle({ type: "message", message }, now);
  const answer = (id: number, message: ToClient | null) => session.handle({ type: "answered", id, message }, now);
  const done = (token: string, indexes: number[], size = 1) =>
    session.handle({ type: "report", message: { type: "done", token, indexes, values: indexes.map(() => new Uint8Array(size)), seconds: indexes.map(() => 0.001) } }, now);
  const connect = () => {
    session.handle({ type: "connected" }, now);
    return answer(HELLO_ID, WELCOME);
  };
  const takeAll = () => {
    const taken: number[] = [];
    for (let run = session.take(); run !== null; run = session.take()) taken.push(...run.indexes);
    return taken;
  };

  beforeEach(() => {
    now = 0;
    session = new Session({ kind: "web", languages: ["javascript"], cores: 1, memory_mb: 0, site: "", origin: "", software: "", prefers: "", client_id: "", secret: "" }, () => 1);
  });

  it("says Hello, remembers who it is, and asks for one batch", () => {
    expect(asked(session.handle({ type: "connected" }, now))).toMatchObject([{ id: HELLO_ID, message: { type: "hello", holding: [] } }]);
    const commands = answer(HELLO_ID, WELCOME);
    expect(commands).toContainEqual({ type: "remember", identity: { client_id: "c", secret: "s" } });
    expect(sent(commands)).toEqual(["ready"]);
    expect(sent(session.handle({ type: "tick" }, 1))).toEqual([]);
  });

  it("asks for the next batch when less than half of the last one has not started", () => {
    connect();
    hear(assign("t", 4));
    expect(session.take()?.indexes).toEqual([0]);
    session.take();
    expect(sent(session.handle({ type: "tick" }, now))).toEqual([]);
    session.take();
    expect(sent(session.handle({ type: "tick" }, now))).toEqual(["ready"]);
  });

  it("hands each unit to one slot, with its saved state", () => {
    connect();
    hear(assign("t", 3));
    const first = session.take();
    const second = session.take();
    expect([first?.states, second?.states]).toEqual([{}, { 1: bytes("7") }]);
    expect([...(first?.indexes ?? []), ...(second?.indexes ?? []), ...takeAll()]).toEqual([0, 1, 2]);
  });

  it("sends the last results of a batch at once and others within a second", () => {
    connect();
    hear(assign("t", 3));
    takeAll();
    expect(asked(done("t", [0]))).toEqual([]);
    now = 1.1;
    expect(asked(session.handle({ type: "tick" }, now))).toMatchObject([{ message: { type: "results", indexes: [0] } }]);
    expect(asked(done("t", [1, 2]))).toMatchObject([{ message: { type: "results", indexes: [1, 2] } }]);
  });

  it("counts one answer per index, and none for what was never assigned", () => {
    connect();
    hear(assign("t", 2));
    takeAll();
    done("t", [0, 0, 9]);
    const [last] = asked(done("t", [0, 1]));
    expect(last).toMatchObject({ message: { indexes: [0, 1] } });
  });

  it("keeps results until they are stored and sends them again after a reconnect", () => {
    connect();
    hear(assign("t", 1));
    takeAll();
    const [first] = asked(done("t", [0]));
    session.handle({ type: "disconnected" }, now);
    const [again] = asked(connect()).filter((c) => c.message.type === "results");
    expect(again).toEqual(first);
    answer(again?.id ?? -1, { type: "stored", accepted: 1, dead: false });
    session.handle({ type: "disconnected" }, now);
    expect(asked(connect()).filter((c) => c.message.type === "results")).toEqual([]);
  });

  it("names what it holds in Hello after a lost connection, and goes on computing without one", () => {
    connect();
    hear(assign("t", 2));
    session.handle({ type: "disconnected" }, now);
    expect(session.take()?.indexes).toEqual([0]);
    expect(asked(session.handle({ type: "connected" }, now))).toMatchObject([{ message: { holding: ["t"], client_id: "c" } }]);
  });

  it("has at most four unacknowledged messages under way", () => {
    connect();
    hear(assign("t", 9));
    takeAll();
    const fail = (index: number) =>
      session.handle({ type: "report", message: { type: "failed", token: "t", indexes: [index], errors: ["e"], kinds: ["error"] } }, now);
    const ids = [0, 1, 2, 3, 4, 5].flatMap((index) => asked(fail(index)).map((c) => c.id));
    expect(ids).toHaveLength(4);
    expect(asked(answer(ids[0] ?? -1, { type: "stored", accepted: 1, dead: false }))).toHaveLength(1);
  });

  it("drops a dead token, and a cancelled task, and stops what runs of them", () => {
    connect();
    hear(assign("t", 2));
    session.take();
    expect(hear({ type: "cancel", task: "k", tokens: [], indexes: [] })).toContainEqual({ type: "stop", tokens: ["t"] });
    expect(asked(done("t", [0]))).toEqual([]);
    hear(assign("u", 2));
    session.take();
    const [kept] = asked((done("u", [0]), (now = 2), session.handle({ type: "tick" }, now)));
    expect(answer(kept?.id ?? -1, { type: "stored", accepted: 0, dead: true })).toContainEqual({ type: "stop", tokens: ["u"] });
    expect(session.take()).toBeNull();
  });

  it("drops cancelled units wherever they are and lets the rest of the batch live on", () => {
    connect();
    hear(assign("t", 6));
    const run = session.take();
    expect(run?.indexes).toEqual([0]);
    done("t", [0]);
    const commands = hear({ type: "cancel", task: "k", tokens: ["t", "u"], indexes: [[0, 1, 5], []] });
    expect(commands).toContainEqual({ type: "stop-units", token: "t", indexes: new Set([0, 1, 5]) });
    expect(commands).toContainEqual({ type: "stop", tokens: ["u"] });
    expect(takeAll()).toEqual([2, 3, 4]);
    const [rest] = asked(done("t", [1, 2, 3, 4, 5]));
    expect(rest).toMatchObject({ message: { type: "results", indexes: [2, 3, 4] } });
  });

  it("does not send again what was cancelled while it was under way", () => {
    connect();
    hear(assign("t", 2));
    takeAll();
    expect(asked(done("t", [0, 1]))).toHaveLength(1);
    hear({ type: "cancel", task: "k", tokens: ["t"], indexes: [[0]] });
    session.handle({ type: "disconnected" }, now);
    expect(asked(connect())).toMatchObject([{ message: { type: "results", indexes: [1] } }]);
  });

  it("starts of a run whose code was awaited only what is still wanted", () => {
    connect();
    hear(assign("t", 2));
    const run = session.take();
    if (run === null) throw new Error("no run");
    expect(session.openPart(run)).toBe(run);
    hear({ type: "cancel", task: "k", tokens: ["t"], indexes: [[0]] });
    expect(session.openPart(run)).toBeNull();
  });

  it.each(["full", "unavailable"])("keeps results and asks for no work while the distributor is %s", (code) => {
    connect();
    hear(assign("t", 1));
    takeAll();
    done("t", [0]);
    session.handle({ type: "disconnected" }, now);
    let [letter] = asked(connect());
    const waits: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const began = now;
      expect(answer(letter?.id ?? -1, { type: "error", code, reason: "its disk is full" })).toEqual([]);
      expect(session.trouble).toBe("its disk is full");
      for (letter = undefined; letter === undefined; [letter] = asked(session.handle({ type: "tick" }, now))) now += 0.5;
      waits.push(now - began);
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60]);
    answer(letter?.id ?? -1, { type: "stored", accepted: 1, dead: false });
    expect(session.trouble).toBe("");
  });

  it("asks for work again when the refused results were cancelled", () => {
    connect();
    hear(assign("t", 1));
    takeAll();
    const [letter] = asked(done("t", [0]));
    answer(letter?.id ?? -1, { type: "error", code: "full", reason: "full" });
    session.handle({ type: "disconnected" }, now);
    expect(sent(connect())).toEqual([]);
    now += 2;
    expect(sent(hear({ type: "cancel", task: "k", tokens: ["t"], indexes: [] }))).toEqual(["ready"]);
  });

  it("gives units back although there is no room for results", () => {
    connect();
    hear(assign("t", 2));
    session.take();
    done("t", [0]);
    now = 1;
    const [letter] = asked(session.handle({ type: "tick" }, now));
    answer(letter?.id ?? -1, { type: "error", code: "full", reason: "full" });
    expect(asked(session.handle({ type: "leave" }, now))).toMatchObject([{ message: { type: "release" } }]);
  });

  it("gives up a message that makes no sense to the distributor, and says so", () => {
    connect();
    hear(assign("t", 1));
    takeAll();
    const [letter] = asked(done("t", [0]));
    expect(answer(letter?.id ?? -1, { type: "error", code: "malformed", reason: "no sense" })).toEqual([{ type: "tell", reason: "no sense" }]);
    session.handle({ type: "disconnected" }, now);
    expect(asked(connect()).filter((c) => c.message.type === "results")).toEqual([]);
  });

  it("starts no unit when there is no place for its result", () => {
    connect();
    hear(assign("t", 1));
    takeAll();
    session.handle({ type: "disconnected" }, now);
    done("t", [0]);
    let started = 0;
    for (let batch = 0; batch < 50; batch += 1) {
      connect();
      hear(assign(`t${batch}`, 1_000));
      session.handle({ type: "disconnected" }, now);
      for (let run = session.take(); run !== null; run = session.take()) {
        started += run.indexes.length;
        done(run.token, run.indexes);
      }
    }
    expect(started).toBeGreaterThanOrEqual(19_999);
    expect(started).toBeLessThan(21_000);
  });

  it("says Progress for every token it holds, twice as often as it must", () => {
    connect();
    hear(assign("t", 2));
    session.take();
    session.handle({ type: "report", message: { type: "progress", token: "t", index: 0, fraction: 0.5 } }, now);
    const commands = session.handle({ type: "tick" }, 5);
    expect(commands).toContainEqual({ type: "send", message: { type: "progress", token: "t", indexes: [0], fractions: [0.5] } });
    expect(session.handle({ type: "tick" }, 6)).toEqual([]);
  });

  it("starts nothing while paused and gives back what did not start when that lasts", () => {
    connect();
    hear(assign("t", 3));
    session.take();
    session.handle({ type: "pause" }, 0);
    expect(session.take()).toBeNull();
    expect(asked(session.handle({ type: "tick" }, 29))).toEqual([]);
    const released = asked(session.handle({ type: "tick" }, 31));
    expect(released).toMatchObject([{ message: { type: "release", tokens: ["t"] } }]);
    expect(new Set(released[0]?.message.type === "release" ? released[0].message.indexes[0] : [])).toEqual(new Set([1, 2]));
  });

  it("fails a result that the distributor does not take", () => {
    connect();
    hear(assign("t", 1));
    takeAll();
    expect(asked(done("t", [0], 101))).toMatchObject([{ message: { type: "failed", kinds: ["result"] } }]);
  });

  it("leaves with a Release of everything", () => {
    connect();
    hear(assign("t", 2));
    session.take();
    expect(asked(session.handle({ type: "leave" }, now))).toMatchObject([{ message: { type: "release", tokens: ["t"], indexes: [[]] } }]);
    expect(session.take()).toBeNull();
  });

  it("goes to another distributor after everything was stored", () => {
    connect();
    hear(assign("t", 2));
    const [release] = asked(hear({ type: "redirect", url: "http://other", reason: "nearer" }));
    expect(release).toMatchObject({ message: { type: "release" } });
    expect(answer(release?.id ?? -1, { type: "stored", accepted: 2, dead: false })).toContainEqual({
      type: "reconnect", url: "http://other", after_s: 0.5, reason: "nearer",
    });
  });

  describe("whose language lacks its files", () => {
    const python = (token: string, count: number): Assign => ({ ...assign(token, count), language: "python", workunit: token });
    const lack = (): Command[] => session.handle({ type: "lacks", language: "python", reason: "no files" }, now);
    const offered = (): string[] => {
      const [ask] = asked(session.handle({ type: "connected" }, now));
      return ask?.message.type === "hello" ? ask.message.languages : [];
    };
    beforeEach(() => {
      const told = { kind: "web", languages: ["javascript", "python"], cores: 1, memory_mb: 0, site: "", origin: "", software: "", prefers: "", client_id: "", secret: "" };
      session = new Session(told, () => 1);
      connect();
      hear(assign("j", 2));
      hear(python("p", 2));
    });

    it("gives back its units, keeps the others, and says so at once", () => {
      expect(lack()).toEqual([
        { type: "stop", tokens: ["p"] },
        { type: "reconnect", url: null, after_s: 0.5, reason: "no files" },
      ]);
      expect([offered(), session.lack]).toEqual([["javascript"], "no files"]);
      expect(asked(answer(HELLO_ID, WELCOME))).toMatchObject([{ message: { type: "release", tokens: ["p"] } }]);
      expect(takeAll()).toEqual([0, 1]);
    });

    it("says so once, though several slots find out", () => {
      lack();
      expect(lack()).toEqual([]);
    });

    it("offers it again after a while, which doubles", () => {
      for (const wait of [60, 120, 240]) {
        lack();
        connect();
        now += wait - 1;
        session.handle({ type: "tick" }, now);
        expect(offered()).toEqual(["javascript"]);
        connect();
        now += 2;
        expect(session.handle({ type: "tick" }, now)).toContainEqual({ type: "reconnect", url: null, after_s: 0.5, reason: "" });
        expect([offered(), session.lack]).toEqual([["javascript", "python"], ""]);
      }
    });

    it("is no reason to come back when it leaves", () => {
      lack();
      connect();
      session.handle({ type: "leave" }, now);
      expect(session.handle({ type: "tick" }, now + 100).filter((c) => c.type === "reconnect")).toEqual([]);
    });
  });

  it("does not come back when refused for good", () => {
    session.handle({ type: "connected" }, now);
    expect(answer(HELLO_ID, { type: "refused", code: "version", reason: "too old", retry_after_s: -1 })).toEqual([
      { type: "reconnect", url: null, after_s: null, reason: "too old" },
    ]);
  });

  it("keeps finished results, and what runs, when it falls back on another distributor", () => {
    connect();
    hear(assign("t", 4));
    const running = session.take();
    session.take();
    done("t", [0]);
    const moved = session.handle({ type: "moved" }, now);
    expect(moved).toEqual([]);
    expect(session.owed.map(({ message }) => message.indexes)).toEqual([[0]]);
    expect(running?.indexes).toEqual([0]);
    expect(asked(session.handle({ type: "connected" }, now))).toMatchObject([{ message: { type: "hello", holding: [] } }]);
    const greeted = answer(HELLO_ID, { ...WELCOME, distributor: "other" });
    expect(asked(greeted)).toMatchObject([{ message: { type: "results", token: "t", indexes: [0] } }]);
    expect(sent(greeted)).toEqual(["ready"]);
    expect(session.take()).toBeNull();
    expect(asked(done("t", [1]))).toMatchObject([{ message: { type: "results", token: "t", indexes: [1] } }]);
    now = 6;
    expect(sent(session.handle({ type: "tick" }, now))).toEqual([]);
    hear(assign("u", 1));
    now = 12;
    expect(session.handle({ type: "tick" }, now)).toContainEqual({ type: "send", message: { type: "progress", token: "u", indexes: [], fractions: [] } });
  });

  it("goes on with all it holds when the same distributor is back", () => {
    connect();
    hear(assign("t", 4));
    session.handle({ type: "disconnected" }, now);
    expect(asked(session.handle({ type: "connected" }, now))).toMatchObject([{ message: { type: "hello", holding: ["t"] } }]);
  });

  it("goes to a nearer distributor as to one it is sent to: it gives back what it holds", () => {
    connect();
    hear(assign("t", 4));
    const commands = session.goTo("http://near", "", now);
    expect(commands).toContainEqual({ type: "stop", tokens: ["t"] });
    expect(asked(commands)).toMatchObject([{ message: { type: "release", tokens: ["t"] } }]);
    expect(answer(asked(commands)[0]?.id ?? -1, { type: "stored", accepted: 4, dead: false })).toMatchObject([{ type: "reconnect", url: "http://near" }]);
  });

  it("delivers what an earlier frame of the same client computed, and goes by its name", () => {
    const result = { type: "results" as const, token: "old", indexes: [7], values: [bytes("1")], seconds: [1], logged: [], logs: [] };
    session.handle({ type: "owed", identity: { client_id: "c", secret: "s" }, messages: [result] }, now);
    expect(asked(session.handle({ type: "connected" }, now))).toMatchObject([{ message: { client_id: "c", secret: "s" } }]);
    expect(asked(answer(HELLO_ID, WELCOME))).toMatchObject([{ message: { token: "old", indexes: [7] } }]);
    session.handle({ type: "owed", identity: { client_id: "stranger", secret: "s" }, messages: [result] }, now);
    expect(session.owed).toHaveLength(1);
  });
});
