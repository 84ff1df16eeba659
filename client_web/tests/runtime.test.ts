import { describe, expect, it, vi } from "vitest";
import { FrameReader, frame, MAX_FRAME } from "../src/engine/frames";
import { seededRandom } from "../src/runtime/random";
import { DEFAULT_TERMS } from "../src/protocol/messages";
import { RunningUnit } from "../src/runtime/unit";
import { checkSize, decodeValue, encodeValue, MAX_VALUE_BYTES, ValueError } from "../src/runtime/values";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

describe("values", () => {
  it.each([0, -1.5, 1e300, "ä€😀", true, null, [1, [2]], { a: { b: [] } }, ""])("%j goes there and back as JSON text", (value) => {
    expect(decodeValue(encodeValue(value, "result"))).toEqual(value);
    expect(text(encodeValue(value, "result"))).toBe(JSON.stringify(value));
  });

  it("carries bytes behind one zero byte", () => {
    expect([...encodeValue(new Uint8Array([1, 2]), "result")]).toEqual([0, 1, 2]);
    expect([...encodeValue(new Uint8Array([1, 2, 3]).buffer, "result")]).toEqual([0, 1, 2, 3]);
    expect(decodeValue(new Uint8Array([0, 9]))).toEqual(new Uint8Array([9]));
  });

  it.each([
    ["undefined", undefined, "result is undefined"],
    ["NaN", NaN, "result is NaN"],
    ["an infinity inside", { a: [Infinity] }, "result.a[0] is Infinity"],
    ["a function", () => 1, "result is a function"],
    ["a symbol", Symbol("x"), "result is a symbol"],
    ["a BigInt", { n: 1n }, "result.n is a BigInt"],
    ["undefined inside", [undefined], "result[0] is undefined"],
    ["a cycle", cyclic, "is cyclic"],
    ["a Map", new Map(), "result is a Map or Set"],
    ["bytes inside", { b: new Uint8Array(1) }, "result.b is binary"],
    ["floats as an array view", new Float64Array(1), "result is binary"],
    ["half a surrogate pair", "\ud800", "half a surrogate pair"],
    ["half a surrogate pair as a key", { "\udc00": 1 }, "half a surrogate pair"],
    ["too many bytes", new Uint8Array(MAX_VALUE_BYTES + 1), "the limit is"],
    ["too much text", "x".repeat(MAX_VALUE_BYTES), "the limit is"],
  ])("refuses %s by name", (_, value, reason) => {
    expect(() => encodeValue(value, "result")).toThrow(ValueError);
    expect(() => encodeValue(value, "result")).toThrow(reason);
  });
});

describe("the limit of a task", () => {
  it("counts the JSON text, and raw bytes without their mark", () => {
    expect(encodeValue("12345678", "result", 10).length).toBe(10);
    expect(encodeValue(new Uint8Array(10), "result", 10).length).toBe(11);
    expect(() => encodeValue("123456789", "result", 10)).toThrow("result is 11 bytes; the limit is 10");
    expect(() => encodeValue(new Uint8Array(11), "result", 10)).toThrow("result is 11 bytes; the limit is 10");
    expect(() => encodeValue("\u00e4\u00e4\u00e4\u00e4\u00e4", "result", 10)).toThrow("result is 12 bytes; the limit is 10");
  });

  it("cannot be over the client's own, and 0 stands for that", () => {
    expect(encodeValue("x".repeat(100), "result", 0).length).toBe(102);
    expect(() => encodeValue(new Uint8Array(MAX_VALUE_BYTES), "result", 2 * MAX_VALUE_BYTES)).toThrow(`the limit is ${MAX_VALUE_BYTES - 1}`);
  });

  it("holds for values of every language", () => {
    expect(() => {
      checkSize(new Uint8Array([0, 1, 2, 3]), "result", 3);
    }).not.toThrow();
    expect(() => {
      checkSize(new Uint8Array([0, 1, 2, 3]), "result", 2);
    }).toThrow("result is 3 bytes; the limit is 2");
  });
});

describe("the log of a unit", () => {
  const written = (limit: number, lines: string[]): string[] => {
    const said: string[] = [];
    const unit = new RunningUnit("k", "t", 0, undefined, { ...DEFAULT_TERMS, max_log_bytes: limit }, (note) => {
      if (note.type === "log") said.push(note.text);
    });
    for (const line of lines) unit.log(line);
    return said;
  };

  it("ends at its limit in bytes and says so once", () => {
    const said = written(10, ["1234", "\u00e4\u00e4\u00e4\u00e4", "more", ""]);
    expect(said).toEqual(["1234", "\u00e4\u00e4 [this unit's log ends here: its limit is 10 bytes]"]);
  });

  it("counts empty lines, too", () => {
    expect(written(5, Array.from({ length: 100 }, () => "")).length).toBe(5);
  });
});

describe("seeded random numbers", () => {
  const draw = (task: string, index: number, count: number): number[] => {
    const next = seededRandom(task, index);
    return Array.from({ length: count }, next);
  };

  it("are the same for the same task and index, and others for others", () => {
    expect(draw("k", 7, 20)).toEqual(draw("k", 7, 20));
    expect(draw("k", 7, 20)).not.toEqual(draw("k", 8, 20));
    expect(draw("k", 7, 20)).not.toEqual(draw("l", 7, 20));
  });

  it("never change between versions: replicas of different clients must agree", () => {
    expect(draw("k", 0, 3)).toMatchInlineSnapshot(`
      [
        0.8818670189612777,
        0.5641761597413678,
        0.9245734024965393,
      ]
    `);
  });

  it("lie in [0, 1) and fill it evenly", () => {
    const bins = new Array<number>(10).fill(0);
    for (const x of draw("even", 1, 20_000)) {
      const bin = Math.floor(x * 10);
      bins[bin] = (bins[bin] ?? NaN) + 1;
    }
    for (const count of bins) expect(Math.abs(count - 2_000)).toBeLessThan(200);
  });
});

describe("frames", () => {
  it("are cut out of a stream however it is split", () => {
    const stream = new Uint8Array([...frame(new Uint8Array([1, 2, 3])), ...frame(new Uint8Array()), ...frame(new Uint8Array(300).fill(7))]);
    for (const size of [1, 2, 3, 5, 307, stream.length]) {
      const reader = new FrameReader();
      const frames: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += size) frames.push(...reader.push(stream.slice(at, at + size)));
      expect(frames.map((one) => one.length)).toEqual([3, 0, 300]);
      expect([...(frames[0] ?? [])]).toEqual([1, 2, 3]);
    }
  });

  it("that are too large are refused before memory is taken", () => {
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, MAX_FRAME + 1, true);
    expect(() => new FrameReader().push(head)).toThrow(RangeError);
  });
});

describe("saved states", () => {
  it("come to the newest one however fast they are saved", async () => {
    const states: unknown[] = [];
    const unit = new RunningUnit("k", "t", 0, undefined, DEFAULT_TERMS, (note) => {
      if (note.type === "checkpoint") states.push(decodeValue(note.state));
    });
    for (let n = 0; n < 1000; n++) unit.save_state(n);
    expect(states.length).toBeLessThan(100);
    await vi.waitFor(() => {
      expect(states.at(-1)).toBe(999);
    });
  });
});
