/**
 * WebAssembly modules made byte by byte, for tests of what reads them.
 *
 * Rule: every part is chosen by the caller, so that a test knows what may change and what may not.
 */

export const leb = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...leb(Math.floor(value / 128))]);
/** The same number in as many bytes as a 32-bit number may take. */
export const longLeb = (value: number): number[] => [0, 1, 2, 3].map((n) => (Math.floor(value / 128 ** n) % 128) + 128).concat(Math.floor(value / 128 ** 4));
export const name = (text: string): number[] => [...leb(text.length), ...new TextEncoder().encode(text)];
export const section = (id: number, contents: number[], length = leb): number[] => [id, ...length(contents.length), ...contents];
export const vector = (items: number[][]): number[] => [...leb(items.length), ...items.flat()];
export const limits = (initial: number, maximum: number | null): number[] =>
  maximum === null ? [0, ...leb(initial)] : [1, ...leb(initial), ...leb(maximum)];
export const custom = (text: string, data: number[]): number[] => section(0, [...name(text), ...data]);
export const wasm = (...sections: number[][]): Uint8Array<ArrayBuffer> => new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);

const I32 = 0x7f;
/** () -> (), (i32) -> i32 and (i32 i32 i32 i32) -> i32. */
export const TYPES = section(1, vector([[0x60, 0, 0], [0x60, 1, I32, 1, I32], [0x60, 4, I32, I32, I32, I32, 1, I32]]));

export const memory = (initial: number, maximum: number | null = null): number[] => section(5, vector([limits(initial, maximum)]));
export const func = (...code: number[]): number[] => [...leb(code.length + 2), 0, ...code, 0x0b];
export const i32 = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) return [0x41, ...bytes, low];
    bytes.push(low | 128);
  }
};

/** A unit that says `text` on a stream, in pieces of `size` bytes, and then runs `code`. */
export function speaker(stream: number, text: string, size: number, ...code: number[]): Uint8Array<ArrayBuffer> {
  const said = new TextEncoder().encode(text);
  const calls: number[] = [];
  for (let at = 0; at < said.length; at += size) {
    const [from, length] = [1024 + at, Math.min(size, said.length - at)];
    // i32.store of the one vector, then fd_write.
    calls.push(...i32(0), ...i32(from), 0x36, 2, 0, ...i32(4), ...i32(length), 0x36, 2, 0);
    calls.push(...i32(stream), ...i32(0), ...i32(1), ...i32(8), 0x10, 0, 0x1a);
  }
  return wasm(
    TYPES,
    section(2, vector([[...name("wasi_snapshot_preview1"), ...name("fd_write"), 0, 2]])),
    section(3, vector([[0]])),
    memory(2),
    section(7, vector([[...name("memory"), 2, 0], [...name("_start"), 0, 1]])),
    section(10, vector([func(...calls, ...code)])),
    section(11, vector([[0, ...i32(1024), 0x0b, ...leb(said.length), ...said]])),
  );
}
