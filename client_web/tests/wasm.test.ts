import { describe, expect, it } from "vitest";
import type { UnitCode } from "../src/protocol/engine";
import { DEFAULT_TERMS, type Terms } from "../src/protocol/messages";
import { RunningUnit, type UnitNote } from "../src/runtime/unit";
import { encodeValue } from "../src/runtime/values";
import { WebAssemblyUnits } from "../src/runtime/wasm";
import { Clock, poll } from "../src/runtime/wasi_clock";
import { UnitMemory } from "../src/runtime/wasi_memory";
import * as m from "./wasm_modules";

const unitOf = (code: Uint8Array, terms: Partial<Terms> = {}): UnitCode => ({
  code,
  memory_mb: 1,
  terms: { ...DEFAULT_TERMS, ...terms },
});

/** Run one payload; return the result, or the error, and what was logged. */
async function run(code: Uint8Array, terms: Partial<Terms> = {}): Promise<{ result: unknown; error: unknown; log: string[] }> {
  const start = unitOf(code, terms);
  const loaded = await new WebAssemblyUnits({ collect: () => undefined }).load(start, () => undefined);
  const notes: UnitNote[] = [];
  const unit = new RunningUnit("task", "token", 0, undefined, start.terms, (note) => notes.push(note));
  let [result, error]: unknown[] = [];
  try {
    result = await loaded.run(encodeValue("payload", "payload"), unit);
  } catch (thrown) {
    error = thrown;
  }
  return { result, error, log: notes.flatMap((note) => (note.type === "log" ? [note.text] : [])) };
}

const UNREACHABLE = 0;
const STDERR = 2;

describe("standard error", () => {
  it.each([1, 3, 7, 1000])("is logged line by line, however it is written (%s bytes at a time)", async (size) => {
    const { log, error } = await run(m.speaker(STDERR, "one\n\nzwölf € 😀\nlast", size));
    expect(log).toEqual(["one", "", "zwölf € 😀", "last"]);
    expect(error).toBeUndefined();
  });

  it("is the error text of a unit that fails, as far as its last 2,000 characters", async () => {
    const { error } = await run(m.speaker(STDERR, `${"x".repeat(9_000)}end\n\n`, 4_096, UNREACHABLE));
    const text = String(error);
    expect(text.startsWith("trap: unreachable\nxxx")).toBe(true);
    expect(text.endsWith("xend")).toBe(true);
    expect(text.length).toBe("trap: unreachable\n".length + 2_000 - "\n\n".length);
  });

  it("that has no end of line is logged in pieces", async () => {
    const { log } = await run(m.speaker(STDERR, "y".repeat(10_000), 4_096));
    expect(log.map((line) => line.length)).toEqual([4_000, 4_000, 2_000]);
  });

  it("stops at the limit of the task's log", async () => {
    const { log, error } = await run(m.speaker(STDERR, "0123456789\n".repeat(100), 11), { max_log_bytes: 50 });
    expect(log.length).toBe(5);
    expect(log[4]).toContain("this unit's log ends here");
    expect(error).toBeUndefined();
  });

  it("that is no UTF-8 is logged with replacements", async () => {
    const code = m.speaker(STDERR, "aXb", 3);
    code[code.lastIndexOf("X".charCodeAt(0))] = 0xff;
    expect((await run(code)).log).toEqual(["a\ufffdb"]);
  });
});

describe("standard output", () => {
  it.each([1, 5, 4_096])("is put together from what is written (%s bytes at a time)", async (size) => {
    const { result } = await run(m.speaker(1, "0123456789".repeat(20), size), { output: "text" });
    expect(result).toEqual(encodeValue("0123456789".repeat(20), "result"));
  });

  it("over the limit ends the unit with a failure of its result", async () => {
    const { error } = await run(m.speaker(1, "0123456789", 3), { max_result_bytes: 9 });
    expect((error as Error).name).toBe("ValueError");
    expect(String(error)).toContain("limit of 9 bytes");
  });
});

describe("code that is bytes still", () => {
  it("is compiled under the task's limit", async () => {
    const code = m.wasm(m.TYPES, m.section(3, m.vector([[0]])), m.memory(17), m.section(7, m.vector([[...m.name("_start"), 0, 0]])), m.section(10, m.vector([m.func()])));
    await expect(new WebAssemblyUnits({ collect: () => undefined }).load(unitOf(code), () => undefined)).rejects.toThrow("out of memory");
  });
});

describe("poll_oneoff", () => {
  const [IN, OUT, COUNT] = [0, 1024, 2048];

  function asking(...subscriptions: { userdata: number; type: number; subject: number; timeout?: bigint; isAbsolute?: boolean }[]): UnitMemory {
    const memory = new UnitMemory();
    memory.attach({ memory: new WebAssembly.Memory({ initial: 1 }) });
    subscriptions.forEach((one, n) => {
      const at = IN + 48 * n;
      memory.view.setBigUint64(at, BigInt(one.userdata), true);
      memory.view.setUint8(at + 8, one.type);
      memory.view.setUint32(at + 16, one.subject, true);
      memory.view.setBigUint64(at + 24, one.timeout ?? 0n, true);
      memory.view.setUint16(at + 40, one.isAbsolute === true ? 1 : 0, true);
    });
    return memory;
  }

  function events(memory: UnitMemory): { userdata: number; error: number; type: number }[] {
    return Array.from({ length: memory.view.getUint32(COUNT, true) }, (_, n) => {
      const at = OUT + 32 * n;
      return { userdata: Number(memory.view.getBigUint64(at, true)), error: memory.view.getUint16(at + 8, true), type: memory.view.getUint8(at + 10) };
    });
  }

  const CLOCK = 0;
  const READ = 1;
  const LAST = 2n ** 64n - 1n;

  it("passes the time to the first deadline at once", () => {
    const clock = new Clock(true);
    const memory = asking({ userdata: 1, type: CLOCK, subject: 0, timeout: 3_600_000_000_000n }, { userdata: 2, type: CLOCK, subject: 1, timeout: 60_000_000_000n });
    expect(poll(memory, clock, IN, OUT, 2, COUNT)).toBe(0);
    expect(events(memory)).toEqual([{ userdata: 2, error: 0, type: CLOCK }]);
    expect(clock.now(1)).toBe(60_000_000_000n);
  });

  it.each([true, false])("knows deadlines by the clock, also those that are over (fixed clock: %s)", (isFixed) => {
    const clock = new Clock(isFixed);
    const then = clock.now(1) + 10_000_000_000n;
    const memory = asking({ userdata: 1, type: CLOCK, subject: 1, timeout: then, isAbsolute: true });
    expect(poll(memory, clock, IN, OUT, 1, COUNT)).toBe(0);
    const slept = clock.now(1);
    expect(slept).toBeGreaterThanOrEqual(then);
    expect(slept).toBeLessThan(then + 10_000_000_000n);
    expect(poll(memory, clock, IN, OUT, 1, COUNT)).toBe(0);
    expect(events(memory).length).toBe(1);
    expect(clock.now(1)).toBeLessThan(slept + 10_000_000_000n);
  });

  it("never waits for a stream", () => {
    const clock = new Clock(true);
    const memory = asking({ userdata: 1, type: CLOCK, subject: 0, timeout: 5n }, { userdata: 2, type: READ, subject: 0 }, { userdata: 3, type: READ, subject: 9 }, { userdata: 4, type: 7, subject: 0 });
    expect(poll(memory, clock, IN, OUT, 4, COUNT)).toBe(0);
    expect(events(memory)).toEqual([{ userdata: 2, error: 0, type: READ }, { userdata: 3, error: 8, type: READ }, { userdata: 4, error: 28, type: 7 }]);
    expect(clock.now(0)).toBe(0n);
  });

  it("sleeps as long as can be said, and the clock then stands", () => {
    const clock = new Clock(true);
    const memory = asking({ userdata: 1, type: CLOCK, subject: 0, timeout: LAST });
    for (let n = 0; n < 2; n++) expect(poll(memory, clock, IN, OUT, 1, COUNT)).toBe(0);
    expect(clock.look(0)).toBe(LAST);
    expect(clock.look(0)).toBe(LAST);
  });
});
