import { describe, expect, it } from "vitest";
import { Backoff } from "../src/embed/backoff";
import { readFacts } from "../src/embed/facts";
import { Pauses, type Cause, type PauseEvent } from "../src/embed/pauses";
import { Pressure } from "../src/embed/pressure";
import { extraPower } from "../src/embed/power";
import { languageOf, Words } from "../src/embed/words";
import { Random } from "./random_draws";

const CAUSES: Cause[] = ["visitor", "page", "hidden", "unseen", "offline", "battery", "data", "pressure", "busy", "tab"];

/** The same, as simply as it can be said. */
function note(event: PauseEvent, on: Map<Cause, number>, allowed: Set<Cause>, now: number): void {
  if (event.type === "on") on.set(event.cause, now + (event.seconds ?? Infinity));
  if (event.type === "off") on.delete(event.cause);
  if (event.type !== "allow") return;
  allowed.delete(event.cause);
  if (event.isAllowed) allowed.add(event.cause);
}

describe("pauses", () => {
  it("tell the visitor's own first, and end only with the last of them", () => {
    const pauses = new Pauses();
    expect(pauses.handle({ type: "on", cause: "battery" }, 0)?.cause).toBe("battery");
    expect(pauses.handle({ type: "on", cause: "visitor" }, 1)?.cause).toBe("visitor");
    expect(pauses.handle({ type: "off", cause: "visitor" }, 2)?.cause).toBe("battery");
    expect(pauses.handle({ type: "off", cause: "battery" }, 3)).toBeNull();
  });

  it("end by themselves after an hour", () => {
    const pauses = new Pauses();
    expect(pauses.handle({ type: "on", cause: "visitor", seconds: 3600 }, 10)).toEqual({ cause: "visitor", until: 3610 });
    expect(pauses.handle({ type: "tick" }, 3609)?.cause).toBe("visitor");
    expect(pauses.handle({ type: "tick" }, 3610)).toBeNull();
  });

  it("are none where the visitor allowed it, and are again when that is taken back", () => {
    const pauses = new Pauses();
    pauses.handle({ type: "on", cause: "hidden" }, 0);
    expect(pauses.handle({ type: "allow", cause: "hidden", isAllowed: true }, 0)).toBeNull();
    expect(pauses.handle({ type: "allow", cause: "hidden", isAllowed: false }, 0)?.cause).toBe("hidden");
  });

  it("hold exactly while a cause is on that is neither over nor allowed", () => {
    const random = new Random(7);
    for (let world = 0; world < 200; world++) {
      const pauses = new Pauses();
      const on = new Map<Cause, number>();
      const allowed = new Set<Cause>();
      for (let now = 0; now < 60; now += random.between(0, 3)) {
        const cause = CAUSES[random.below(CAUSES.length)] as Cause;
        const event: PauseEvent[] = [
          { type: "on", cause },
          { type: "on", cause, seconds: random.between(0, 5) },
          { type: "off", cause },
          { type: "tick" },
          { type: "allow", cause: "battery", isAllowed: random.draw() < 0.5 },
        ];
        const chosen = event[random.below(event.length)] as PauseEvent;
        note(chosen, on, allowed, now);
        const expected = CAUSES.filter((one) => (on.get(one) ?? 0) > now && !allowed.has(one));
        expect(pauses.handle(chosen, now)?.cause ?? null).toBe(expected[0] ?? null);
      }
    }
  });
});

describe("a processor under pressure", () => {
  it.each([
    ["nominal", 25, 0],
    ["fair", 25, 0],
    ["serious", 50, 30],
    ["serious", 80, 0],
    ["critical", 80, 30],
  ])("%s, at a share of %d %%, pauses for %d s", (state, percent, pause) => {
    expect(new Pressure().handle(state, percent, 0)).toBe(pause);
  });

  it("is stayed away from for as long as it is told of, and half a minute longer", () => {
    const pressure = new Pressure();
    let until = 0;
    for (let now = 0; now <= 60; now += 2) {
      until = Math.max(until, now + pressure.handle("critical", 25, now));
      expect(until).toBeGreaterThan(now + 2);
    }
    expect(until).toBeLessThanOrEqual(90);
  });

  it("does not end its pause by a reading that the pause made low, nor for ever where no reading follows", () => {
    const pressure = new Pressure();
    expect(pressure.handle("critical", 25, 0)).toBe(30);
    expect(pressure.handle("nominal", 25, 2)).toBe(0);
    expect(pressure.handle("critical", 25, 4)).toBe(0);
    expect(pressure.handle("critical", 25, 31)).toBe(30);
  });
});

describe("backing off from a busy page", () => {
  it("takes a second of long tasks within ten seconds", () => {
    const backoff = new Backoff();
    expect(backoff.handle(600, 0)).toBe(0);
    expect(backoff.handle(600, 11)).toBe(0);
    expect(backoff.handle(600, 12)).toBe(10);
  });

  it("doubles when it comes again soon, up to five minutes, and is forgiven", () => {
    const backoff = new Backoff();
    let now = 0;
    const pauses: number[] = [];
    for (let round = 0; round < 8; round++) {
      const pause = backoff.handle(2000, now);
      pauses.push(pause);
      now += pause + 1;
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
    expect(backoff.handle(2000, now + 300)).toBe(10);
  });

  it("takes no nonsense from the page, and counts nothing while it stays away", () => {
    const backoff = new Backoff();
    for (const ms of [NaN, -5000, 0, "9999" as unknown as number]) expect(backoff.handle(ms, 0)).toBe(0);
    const away = new Backoff();
    expect(away.handle(5000, 0)).toBe(10);
    expect(away.handle(5000, 5)).toBe(0);
  });
});

describe("words", () => {
  it("come in the first language that there is", () => {
    expect(languageOf(["", "fr-FR", "de-AT", "en"])).toBe("de");
    expect(languageOf(["fr"])).toBe("en");
    expect(languageOf(["constructor"])).toBe("en");
  });

  it("fill in what is given, once, and leave the rest", () => {
    expect(new Words("en").of("asks", { who: "{purpose}", purpose: "x" })).toBe("{purpose} asks this computer to help with x.");
    expect(new Words("de").of("helping", {})).toBe("Hilft bei: {task}");
    expect(new Words("de").number(1234.5, 1)).toBe("1.234,5");
  });
});

describe("what a visitor is told", () => {
  it("of power grows with the share", () => {
    expect(extraPower(25)).toEqual([3, 30]);
    expect(extraPower(5)[1]).toBeLessThan(extraPower(80)[0]);
  });

  it("of the operator is what makes sense of it", () => {
    expect(readFacts({ operator: " Lab X ", contact: 7, tasks_url: "javascript:alert(1)" })).toEqual({ operator: "Lab X", purpose: "", contact: "", tasks_url: "" });
    expect(readFacts(null).operator).toBe("");
    expect(readFacts({ purpose: "p".repeat(999) }).purpose.length).toBe(300);
  });
});
