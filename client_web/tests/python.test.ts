import { describe, expect, it } from "vitest";
import { type FileSystem, Heap, limitFiles } from "../src/runtime/python_memory";
import { Lines } from "../src/runtime/python_streams";

const MB = 1024 * 1024;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("lines of what Python prints", () => {
  it("are cut at line ends, however the bytes come, and what is left is one at the end", () => {
    const said: string[] = [];
    const lines = new Lines((line) => said.push(line));
    for (const byte of bytes("ä\n\n€ b")) expect(lines.write(new Uint8Array([byte]))).toBe(1);
    expect(said).toEqual(["ä", ""]);
    lines.end();
    lines.end();
    expect(said).toEqual(["ä", "", "€ b"]);
  });

  it("are cut when they do not end", () => {
    const said: string[] = [];
    const lines = new Lines((line) => said.push(line));
    for (let i = 0; i < 100; i++) lines.write(bytes("x".repeat(1000)));
    lines.end();
    expect(said.map((line) => line.length)).toEqual([...new Array<number>(24).fill(4096), 100_000 - 24 * 4096]);
  });
});

describe("a heap with a limit", () => {
  // As Emscripten does it: a fifth more than what is asked for.
  const heapOf = (heap: Heap): { memory: WebAssembly.Memory; resize: (size: number) => boolean } => {
    const memory = new WebAssembly.Memory({ initial: 16 });
    const grow = (size: number): boolean => {
      memory.grow(Math.ceil((Math.max(size, memory.buffer.byteLength * 1.2) - memory.buffer.byteLength) / 65536));
      return true;
    };
    const guarded = heap.guarded({ env: { emscripten_resize_heap: grow } });
    heap.watch({ exports: { memory } });
    return { memory, resize: guarded["env"]?.["emscripten_resize_heap"] as (size: number) => boolean };
  };

  it("grows freely before it is set", () => {
    const { memory, resize } = heapOf(new Heap());
    expect(resize(5 * MB)).toBe(true);
    expect(memory.buffer.byteLength).toBe(5 * MB);
  });

  it("grows to the limit exactly and not beyond", () => {
    const heap = new Heap();
    const { memory, resize } = heapOf(heap);
    heap.limit(1);
    expect(resize(2 * MB - 65536)).toBe(true);
    expect(resize(2 * MB)).toBe(true);
    expect(memory.buffer.byteLength).toBe(2 * MB);
    expect(resize(2 * MB + 1)).toBe(false);
    expect(memory.buffer.byteLength).toBe(2 * MB);
  });
});

describe("files with a limit", () => {
  class NoRoom extends Error {
    constructor(readonly errno: number) {
      super();
    }
  }
  type Node = { contents: Uint8Array };
  const system = (): { files: FileSystem; folder: Record<string, Node>; write(node: Node, size: number): void; resize(node: Node, size: number): void } => {
    const folder: Record<string, Node> = {};
    const set = (node: { contents?: unknown }, size: number): void => void (node.contents = new Uint8Array(size));
    const write = (open: { node: object }, _data: Uint8Array, _offset: number, length: number, position: number): number => {
      set(open.node, position + length);
      return length;
    };
    const files: FileSystem = {
      root: { contents: { tmp: { contents: folder } } },
      streams: [],
      ErrnoError: NoRoom,
      filesystems: { MEMFS: { ops_table: { file: { stream: { write } } }, resizeFileStorage: set } },
    };
    const { MEMFS } = files.filesystems;
    return {
      files,
      folder,
      write: (node, size) => void MEMFS.ops_table.file.stream.write({ node }, new Uint8Array(), 0, size, 0),
      resize: (node, size) => {
        MEMFS.resizeFileStorage(node, size);
      },
    };
  };

  it("are refused more than all of them together may have", () => {
    const { files, folder, write, resize } = system();
    folder["there"] = { contents: new Uint8Array(5 * MB) };
    limitFiles(files, 1);
    const [a, b] = [(folder["a"] = { contents: new Uint8Array() }), (folder["b"] = { contents: new Uint8Array() })];
    write(a, 0.75 * MB);
    expect(() => write(b, 0.5 * MB)).toThrow(NoRoom);
    expect(() => resize(b, 0.5 * MB)).toThrow(NoRoom);
    resize(a, 0);
    write(b, 0.5 * MB);
    expect(b.contents.length).toBe(0.5 * MB);
  });

  it("count while they exist or are open", () => {
    const { files, folder, write } = system();
    limitFiles(files, 1);
    const a = (folder["a"] = { contents: new Uint8Array() });
    write(a, MB);
    delete folder["a"];
    files.streams = [null, { node: a }];
    const b = (folder["b"] = { contents: new Uint8Array() });
    expect(() => write(b, 1)).toThrow(NoRoom);
    files.streams = [];
    write(b, MB);
    expect(b.contents.length).toBe(MB);
  });
});
