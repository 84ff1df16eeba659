import { describe, expect, it } from "vitest";
import { compileUnit, limitMemory, MalformedModule } from "../src/engine/wasm_memory";
import { Workshop } from "../src/engine/workshop";
import { DEFAULT_TERMS } from "../src/protocol/messages";
import { seededRandom } from "../src/runtime/random";
import * as m from "./wasm_modules";

const PAGES_PER_MB = 16;

/** Export 0 grows the memory by its argument. */
const GROWER = [
  m.section(7, m.vector([[...m.name("grow"), 0, 0]])),
  m.section(10, m.vector([m.func(0x20, 0, 0x40, 0)])),
];
const grower = (limits: number[], ...before: number[][]): Uint8Array<ArrayBuffer> =>
  m.wasm(m.TYPES, ...before, m.section(3, m.vector([[1]])), m.section(5, m.vector([limits])), ...GROWER);

function maximumOf(code: Uint8Array): number {
  const { grow } = new WebAssembly.Instance(new WebAssembly.Module(code as BufferSource)).exports as { grow(pages: number): number };
  let pages = grow(0);
  for (let step = 32_768; step >= 1; step /= 2) while (grow(step) >= 0) pages += step;
  return pages;
}

/** What stands in a module, section by section. */
function sectionsOf(code: Uint8Array): { id: number; contents: number[] }[] {
  const found: { id: number; contents: number[] }[] = [];
  for (let at = 8; at < code.length; ) {
    const id = code[at++] ?? -1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = code[at++] ?? 0;
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    found.push({ id, contents: [...code.subarray(at, at + length)] });
    at += length;
  }
  return found;
}

describe("the limit of a module's memory", () => {
  it.each([
    [1, null, 1, 16],
    [0, null, 2, 32],
    [1, 5, 1, 5],
    [1, 100, 1, 16],
    [16, 16, 1, 16],
    [16, null, 1, 16],
    [3, 65_536, 7, 112],
  ])("of %s to %s pages under %s MiB is %s pages", (initial, maximum, memory_mb, pages) => {
    expect(maximumOf(limitMemory(grower(m.limits(initial, maximum)), memory_mb))).toBe(pages);
  });

  it("keeps every other byte, whatever stands around the memory and however lengths are written", () => {
    const draw = seededRandom("modules", 1);
    const upTo = (n: number): number => Math.floor(draw() * n);
    const noise = (): number[][] => Array.from({ length: upTo(3) }, (_, n) => m.custom(`c${n}`, Array.from({ length: upTo(300) }, () => upTo(256))));
    for (let round = 0; round < 200; round++) {
      const initial = upTo(17);
      const maximum = upTo(2) === 0 ? null : initial + upTo(200);
      const memory = m.section(5, m.vector([m.limits(initial, maximum)]), upTo(2) === 0 ? m.leb : m.longLeb);
      const code = m.wasm(m.TYPES, ...noise(), m.section(3, m.vector([[1]])), ...noise(), memory, ...GROWER, ...noise());
      const limited = limitMemory(code, 1);
      const [before, after] = [sectionsOf(code), sectionsOf(limited)];
      expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      after.forEach(({ id, contents }, at) => {
        if (id !== 5) expect(contents).toEqual(before[at]?.contents);
      });
      expect(maximumOf(limited)).toBe(Math.min(maximum ?? 16, PAGES_PER_MB));
      expect(limitMemory(limited, 1)).toEqual(limited);
    }
  });

  it("is kept by imported memories, among imports of every other kind", () => {
    const from = [...m.name("e"), ...m.name("x")];
    const imports = [[...from, 0, 0], [...from, 1, 0x70, 1, 1, 9], [...from, 3, 0x7e, 1], [...from, 2, ...m.limits(2, 500)], [...from, 2, ...m.limits(1, null)]];
    const limited = sectionsOf(limitMemory(m.wasm(m.TYPES, m.section(2, m.vector(imports))), 1));
    const expected = [...imports.slice(0, 3), [...from, 2, ...m.limits(2, 15)], [...from, 2, ...m.limits(1, 1)]];
    expect(limited[1]?.contents).toEqual(m.vector(expected));
  });

  it("is one limit for all memories together", () => {
    const limited = sectionsOf(limitMemory(m.wasm(m.section(5, m.vector([m.limits(1, null), m.limits(2, 4), m.limits(3, null)]))), 1));
    expect(limited[0]?.contents).toEqual(m.vector([m.limits(1, 11), m.limits(2, 2), m.limits(3, 3)]));
  });

  it("leaves modules without a memory as they are", () => {
    const code = m.wasm(m.TYPES, m.custom("x", [1, 2, 3]));
    expect(limitMemory(code, 1)).toEqual(code);
  });

  it("refuses a module that starts above it, with both numbers", () => {
    expect(() => limitMemory(grower(m.limits(17, null)), 1)).toThrow(RangeError);
    expect(() => limitMemory(grower(m.limits(17, null)), 1)).toThrow("1.07 MiB at its start, and the task allows 1 MiB");
  });

  it.each([
    ["shared", [3, 1, 2], "shared between threads"],
    ["64-bit", [4, 1], "memory64"],
    ["64-bit and bounded", [5, 1, 2], "memory64"],
    ["with other pages", [8, 1, 0], "pages of a size of its own"],
  ])("refuses memories that are %s by name", (_, limits, why) => {
    expect(() => limitMemory(grower(limits), 1)).toThrow(why);
  });
});

describe("bytes that are no module", () => {
  const whole = grower(m.limits(1, null));

  it("are told apart wherever they are cut off", () => {
    for (let length = 0; length < whole.length; length++) {
      let limited: Uint8Array;
      try {
        limited = limitMemory(whole.subarray(0, length), 1);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedModule);
        continue;
      }
      // Cut between two sections.
      expect(sectionsOf(limited).length).toBeLessThan(5);
    }
  });

  it("are told by a section that is longer or shorter than what it holds", () => {
    for (const memories of [[1, 0, 1, 0], [2, 0, 1], [1, 0], []]) {
      expect(() => limitMemory(m.wasm(m.section(5, memories)), 1)).toThrow(MalformedModule);
    }
  });

  it("never get past the limit, whatever byte is wrong", () => {
    for (let at = 0; at < whole.length; at++) {
      for (const wrong of [0, 1, 2, 0x7f, 0x80, 0xff]) {
        const code = whole.slice();
        code[at] = wrong;
        try {
          const limited = limitMemory(code, 1);
          if (WebAssembly.validate(limited as BufferSource)) expect(maximumOf(limited)).toBeLessThanOrEqual(16);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    }
  });

  it("fail in the engine's own words", async () => {
    await expect(compileUnit(new TextEncoder().encode("no module"), 1)).rejects.toThrow(WebAssembly.CompileError);
    await expect(compileUnit(whole.subarray(0, whole.length - 3), 1)).rejects.toThrow(WebAssembly.CompileError);
  });

  it("go through the workshop as they are, modules go through compiled", async () => {
    const workshop = new Workshop();
    const prepared = async (workunit: string, code: Uint8Array, memory_mb = 1): Promise<unknown> => {
      const { unit } = await workshop.prepare({ language: "wasm", unit: { workunit, code, memory_mb, terms: DEFAULT_TERMS } });
      return unit?.code;
    };
    expect(await prepared("b", whole.subarray(0, 20))).toEqual(whole.subarray(0, 20));
    const one = await prepared("w", whole);
    expect(one).toBeInstanceOf(WebAssembly.Module);
    expect(await prepared("w", whole)).toBe(one);
    expect(await prepared("w", whole, 2)).not.toBe(one);
  });
});
