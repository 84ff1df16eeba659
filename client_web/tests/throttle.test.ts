import { describe, expect, it } from "vitest";
import { SHARES, slotsFor, Throttle, wantedCores } from "../src/client/throttle";
import { Random } from "./random_draws";

interface World {
  cores: number;
  percent: number;
  /** Seconds of one run. */
  run: () => number;
  /** Seconds by which a timer is late. */
  late: () => number;
}

/** Seconds of processors that were taken up to each moment. */
type Trace = { at: number; used: number }[];

/**
 * Work without end on a throttle, by a clock of its own, as client.ts does it: whatever may begin in one moment is promised first and
 * begins afterwards.
 */
function traceOf(world: World, until: number, throttle = new Throttle(world.cores, world.percent)): Trace {
  const ends: number[] = [];
  const slots = slotsFor(world.cores, world.percent);
  const trace: Trace = [{ at: 0, used: 0 }];
  let used = 0;
  for (let now = 0; now < until; ) {
    let promised = 0;
    while (ends.length + promised < slots && throttle.mayBegin(now, promised)) promised += 1;
    for (; promised > 0; promised--) ends.push(now + world.run());
    throttle.handle({ type: "busy", slots: ends.length }, now);
    const wait = ends.length < slots ? throttle.wait(now) : null;
    const wake = wait === null ? Infinity : now + Math.max(0.001, wait) + world.late();
    const next = Math.min(until, wake, ...ends);
    used += ends.length * (next - now);
    now = next;
    trace.push({ at: now, used });
    for (let at = ends.length - 1; at >= 0; at--) if ((ends[at] as number) <= now) ends.splice(at, 1);
    throttle.handle({ type: "busy", slots: ends.length }, now);
  }
  return trace;
}

function computed(world: World, until: number, throttle?: Throttle): number {
  return traceOf(world, until, throttle).at(-1)?.used ?? 0;
}

/** What was used until some moment. */
function usedAt(trace: Trace, moment: number): number {
  const after = Math.max(1, trace.findIndex(({ at }) => at >= moment));
  const [from, to] = [trace[after - 1], trace[after]] as [Trace[0], Trace[0]];
  return from.used + ((to.used - from.used) * (moment - from.at)) / Math.max(1e-9, to.at - from.at);
}

const HOUR = 3600;
const TEN_MINUTES = 600;

describe("the throttle", () => {
  it.each(SHARES.flatMap((percent) => [1, 2, 3, 4, 8, 64].map((cores) => [cores, percent] as const)))("of %i cores has slots for %i percent, and none too many", (cores, percent) => {
    const slots = slotsFor(cores, percent);
    expect(slots).toBeGreaterThanOrEqual(wantedCores(cores, percent) - 1e-9);
    expect(slots - 1).toBeLessThan(wantedCores(cores, percent));
  });

  it.each(SHARES.flatMap((percent) => [0.2, 0.25, 2, 60].map((run) => [percent, run] as const)))("holds %i percent over an hour with runs of %f s", (percent, run) => {
    for (const cores of [1, 2, 4, 7, 16]) {
      const used = computed({ cores, percent, run: () => run, late: () => 0 }, HOUR);
      expect(used / (HOUR * wantedCores(cores, percent))).toBeGreaterThan(0.98);
      // What began within the hour may end after it: one run for each slot.
      expect(used).toBeLessThan(HOUR * wantedCores(cores, percent) * 1.01 + run * slotsFor(cores, percent));
    }
  });

  it("holds any share of any processor within 5 percent, whatever units take and however late timers are", () => {
    const random = new Random(41);
    for (let world = 0; world < 60; world++) {
      const cores = 1 + random.below(16);
      const percent = SHARES[random.below(SHARES.length)] as number;
      const longest = 10 ** random.between(-1, 1.2);
      const latest = random.between(0, 1);
      const used = computed({ cores, percent, run: () => random.between(0.02, longest), late: () => random.between(0, latest) }, TEN_MINUTES);
      const wanted = TEN_MINUTES * wantedCores(cores, percent);
      expect(Math.abs(used - wanted)).toBeLessThan(0.05 * wanted + longest * slotsFor(cores, percent));
    }
  });

  it.each(SHARES)("holds %i percent within 20 percent over any window of six duty cycles, whatever the sequence of units", (percent) => {
    const random = new Random(60 + percent);
    for (let world = 0; world < 40; world++) {
      const cores = 1 + random.below(8);
      const wanted = wantedCores(cores, percent);
      const longest = 10 ** random.between(-0.7, 1);
      // Now all alike, which keeps slots in step, now of two sorts, now of all lengths.
      const shortest = random.below(2) === 0 ? longest : 0.2;
      const run = random.below(2) === 0 ? () => random.between(Math.min(shortest, longest), longest) : () => (random.below(4) === 0 ? longest : shortest);
      // A cycle is what a run of every slot takes, and the rest that pays for it.
      const window = (6 * longest * slotsFor(cores, percent)) / wanted;
      const trace = traceOf({ cores, percent, run, late: () => 0 }, 4 * window);
      for (let look = 0; look < 25; look++) {
        const from = random.between(0, 3 * window);
        const share = (usedAt(trace, from + window) - usedAt(trace, from)) / window / wanted;
        expect(Math.abs(share - 1), `${cores} cores, runs of ${longest} s, from ${from}`).toBeLessThan(0.2);
      }
    }
  });

  it("does not let slots that end in one moment begin all together while something is owed", () => {
    const throttle = new Throttle(2, 80);
    throttle.handle({ type: "busy", slots: 2 }, 0);
    throttle.handle({ type: "busy", slots: 0 }, 10);
    expect([throttle.mayBegin(10), throttle.mayBegin(10, 1), throttle.wait(10, 1)]).toEqual([true, false, expect.closeTo(4 / 0.6)]);
  });

  it("owes what an endless unit took, for as long as that takes", () => {
    const throttle = new Throttle(2, 5);
    throttle.handle({ type: "busy", slots: 1 }, 0);
    throttle.handle({ type: "busy", slots: 0 }, 60);
    expect(throttle.wait(60)).toBeCloseTo((60 * 0.9) / 0.1, 0);
    expect(throttle.mayBegin(60 + 530)).toBe(false);
    expect(throttle.mayBegin(60 + 541)).toBe(true);
  });

  it("lets whole processors' worth of slots work while the rest of it is owed", () => {
    const throttle = new Throttle(4, 80);
    throttle.handle({ type: "busy", slots: 4 }, 0);
    throttle.handle({ type: "busy", slots: 2 }, 10);
    expect(throttle.mayBegin(10)).toBe(true);
    throttle.handle({ type: "busy", slots: 3 }, 10);
    expect(throttle.mayBegin(10)).toBe(false);
  });

  it("takes a new share at once, with what is owed", () => {
    const throttle = new Throttle(2, 5);
    throttle.handle({ type: "busy", slots: 1 }, 0);
    throttle.handle({ type: "busy", slots: 0 }, 10);
    throttle.handle({ type: "share", percent: 50 }, 10);
    expect(throttle.wait(10)).toBeCloseTo(9);
  });

  it("lets nothing begin while paused, and saves no time up", () => {
    const throttle = new Throttle(2, 25);
    throttle.handle({ type: "pause" }, 0);
    expect([throttle.mayBegin(100), throttle.wait(100)]).toEqual([false, null]);
    throttle.handle({ type: "resume" }, 1000);
    expect(throttle.mayBegin(1000)).toBe(true);
    throttle.handle({ type: "busy", slots: 1 }, 1000);
    throttle.handle({ type: "busy", slots: 0 }, 1001);
    expect(throttle.wait(1001)).toBeCloseTo(1);
  });

  it("gives no more after an idle hour than after an idle second", () => {
    const world = { cores: 2, percent: 25, run: () => 0.2, late: () => 0 };
    const throttle = new Throttle(2, 25);
    throttle.mayBegin(-HOUR);
    expect(computed(world, 60, throttle)).toBeLessThan(30 + 0.5 + 0.2);
  });

  it("is not led astray by a clock that goes back", () => {
    const throttle = new Throttle(1, 50);
    throttle.handle({ type: "busy", slots: 1 }, 10);
    throttle.handle({ type: "busy", slots: 0 }, 12);
    throttle.mayBegin(0);
    expect(throttle.wait(12)).toBeCloseTo(2);
  });
});
