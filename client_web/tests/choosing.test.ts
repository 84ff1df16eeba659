import { describe, expect, it } from "vitest";
import { Chooser, type Move } from "../src/client/choosing";
import { measure } from "../src/client/distance";

const [A, B, C, D] = ["http://a:1", "http://b:1", "http://c:1", "http://d:1"] as const;
const chooser = (): Chooser => new Chooser(A, () => 0.5);
const known = (...siblings: string[]): Chooser => {
  const made = chooser();
  made.welcomed(siblings, 0);
  return made;
};
/** Fail until it goes elsewhere, a second a try. */
const pushed = (from: Chooser, at = 100): Move => {
  for (let now = at; now < at + 1000; now += 1) {
    const move = from.failed(now);
    if (move !== null) return (from.went(move.url), move);
  }
  throw new Error("it stays for ever");
};

describe("choosing a distributor", () => {
  it("measures the present one and two others, a while after the welcome, and again much later", () => {
    const made = known(B, C, D);
    expect(made.toMeasure(1)).toEqual([]);
    expect(made.toMeasure(4)).toEqual([A, B, C]);
    expect(made.toMeasure(5)).toEqual([]);
    expect(made.toMeasure(1000)).toEqual([A, B, C]);
  });

  it("asks the only one for siblings, and looks at those that came later soon", () => {
    const made = known(A);
    expect(made.toMeasure(100)).toEqual([A]);
    expect(made.measured(new Map([[A, 0.2]]), [A], 100)).toBeNull();
    expect(made.toMeasure(110)).toEqual([]);
    made.measured(new Map([[A, 0.2]]), [A, B], 110);
    expect(made.toMeasure(113)).toEqual([A, B]);
    expect(made.measured(new Map([[A, 0.2], [B, 0.01]]), [A, B], 114)).toBe(B);
  });

  it("goes to the nearest of those that are clearly nearer", () => {
    expect(known(B, C).measured(new Map([[A, 0.2], [B, 0.1], [C, 0.05]]), [], 5)).toBe(C);
  });

  it.each([
    ["hardly nearer in part", 0.2, 0.15],
    ["hardly nearer in seconds", 0.02, 0.005],
    ["farther", 0.1, 0.2],
    ["without room, or silent", 0.2, null],
  ])("stays beside one that is %s", (_, here, there) => {
    expect(known(B).measured(new Map([[A, here], [B, there]]), [], 5)).toBeNull();
  });

  it("does not go to and fro between two that are alike", () => {
    const made = known(B);
    let here = 0;
    let moves = 0;
    for (let round = 0; round < 100; round += 1) {
      const wobble = 0.1 + 0.02 * Math.sin(round);
      const next = made.measured(new Map([[made.current, wobble], [here === 0 ? B : A, 0.1]]), [], 5);
      if (next === null) continue;
      moves += 1;
      here = 1 - here;
      made.went(next);
    }
    expect(moves).toBe(0);
  });

  it("stays when the present one does not answer the ping: its connection tells whether it is there", () => {
    expect(known(B).measured(new Map([[A, null], [B, 0.01]]), [], 5)).toBeNull();
  });

  it("waits for one that is away for a moment", () => {
    const made = known(B);
    expect(made.failed(10)).toBeNull();
    expect(made.failed(11)).toBeNull();
    made.welcomed([B], 12);
    expect(made.failed(100)).toBeNull();
  });

  it("goes to the nearest other one that was measured, then to the rest, then round again ever more slowly", () => {
    const made = known(B, C, D);
    made.measured(new Map([[A, 0.01], [B, 0.3], [C, 0.1]]), [], 5);
    const moves = Array.from({ length: 20 }, () => pushed(made));
    expect(moves.slice(0, 3).map(({ url }) => url)).toEqual([C, B, D]);
    expect(new Set(moves.slice(3, 10).map(({ url }) => url))).toEqual(new Set([A, B, C, D]));
    const pauses = moves.map(({ after_s }) => after_s);
    expect(Math.max(...pauses)).toBeGreaterThan(10);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30);
  });

  it("stays with the only one there is", () => {
    const made = known();
    for (let now = 0; now < 1000; now += 10) expect(made.failed(now)).toBeNull();
  });

  it("keeps the one it left among those it knows, though the next one does not name it", () => {
    const made = known(B);
    pushed(made);
    expect(made.current).toBe(B);
    made.welcomed([], 200);
    expect(pushed(made, 300).url).toBe(A);
  });

  it("takes origins of the web alone, and none of plain http from a page of https", () => {
    const made = new Chooser("https://a", () => 0.5);
    made.welcomed(["http://b", "javascript:alert(1)", "nonsense", "https://c/path?x", "https://a"], 0);
    expect(made.toMeasure(100)).toEqual(["https://a", "https://c"]);
  });

  it("knows a bounded number", () => {
    const made = chooser();
    for (let at = 0; at < 50; at += 1) made.welcomed([`http://s${at}`], 0);
    const seen = new Set<string>();
    for (let at = 0; at < 200; at += 1) seen.add(pushed(made, at * 1000).url);
    expect(seen.size).toBeLessThanOrEqual(17);
  });
});

describe("distances", () => {
  it("are of those that answer and have room, and the first trip does not count", async () => {
    const asked: string[] = [];
    const fetcher = ((url: string) => {
      asked.push(url);
      if (url.startsWith(B)) return Promise.resolve(new Response(null, { status: 503 }));
      if (url.startsWith(C)) return Promise.reject(new TypeError("refused"));
      return Promise.resolve(Response.json({ siblings: [B, 7] }));
    }) as typeof fetch;
    const { distances: found, siblings } = await measure([A, B, C], fetcher);
    expect(siblings).toEqual([B]);
    expect([...found.keys()]).toEqual([A, B, C]);
    expect(found.get(A)).toBeGreaterThanOrEqual(0);
    expect([found.get(B), found.get(C)]).toEqual([null, null]);
    expect(asked.filter((url) => url === `${A}/ping`)).toHaveLength(4);
    expect(asked).toHaveLength(6);
  });
});
