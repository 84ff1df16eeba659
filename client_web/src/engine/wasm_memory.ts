/**
 * The memory of a WebAssembly module, held to a limit by its own declaration.
 *
 * Rule: nothing but the limits of memories changes; the module computes what it would have computed. Bytes that this reader does not
 * understand are never run: they would not be held to the limit.
 * Source: the binary format of the WebAssembly Core Specification 3.0, chapter 5.
 */

/** The bytes are no module as far as this reader can tell; the engine's own words about them are better. */
export class MalformedModule extends Error {
  override name = "MalformedModule";
}

const PAGE = 65_536;
const PAGES_PER_MB = (1024 * 1024) / PAGE;
/** Pages that 32-bit addresses reach. */
const MAX_PAGES = 65_536;
const IMPORTS = 2;
const MEMORIES = 5;

/** Where the limits of one memory stand in the module, and what they say, in pages. */
interface Limits {
  from: number;
  to: number;
  initial: number;
  maximum: number | null;
}

interface Section {
  /** Where its length stands, its contents begin, and it ends. */
  lengthAt: number;
  from: number;
  to: number;
  memories: Limits[];
}

/**
 * Compile a work unit whose memory is held to `memory_mb` MiB.
 *
 * @throws RangeError it needs more than that at its start
 * @throws Error its memory is of a kind that no limit can be set for, or (the engine's own error) it does not compile
 */
export async function compileUnit(code: Uint8Array, memory_mb: number): Promise<WebAssembly.Module> {
  let limited: Uint8Array;
  try {
    limited = limitMemory(code, memory_mb);
  } catch (error) {
    if (error instanceof MalformedModule) await WebAssembly.compile(code as BufferSource);
    throw error;
  }
  return WebAssembly.compile(limited as BufferSource);
}

/**
 * Return the module with the maxima of its memories, all together, at most `memory_mb` MiB.
 *
 * @throws RangeError it needs more than that at its start
 * @throws MalformedModule the bytes are no module
 * @throws Error a memory is shared, has 64-bit addresses or pages of another size; or it is a component
 */
export function limitMemory(code: Uint8Array, memory_mb: number): Uint8Array {
  const sections = new ModuleReader(code).sections();
  const memories = sections.flatMap((section) => section.memories);
  const limit = Math.min(memory_mb * PAGES_PER_MB, MAX_PAGES);
  const needed = memories.reduce((sum, memory) => sum + memory.initial, 0);
  if (needed > limit) {
    const mib = Math.ceil((needed * 100) / PAGES_PER_MB) / 100;
    throw new RangeError(`out of memory: the unit's memory is ${mib} MiB at its start, and the task allows ${memory_mb} MiB (policy.requires.memory_mb)`);
  }
  let left = limit - needed;
  const parts: Uint8Array[] = [];
  let done = 0;
  for (const section of sections) {
    const contents: Uint8Array[] = [];
    let at = section.from;
    for (const memory of section.memories) {
      const more = memory.maximum === null ? left : Math.min(memory.maximum - memory.initial, left);
      left -= Math.max(more, 0);
      contents.push(code.subarray(at, memory.from), limitsOf(memory.initial, memory.initial + more));
      at = memory.to;
    }
    contents.push(code.subarray(at, section.to));
    const length = contents.reduce((sum, part) => sum + part.length, 0);
    parts.push(code.subarray(done, section.lengthAt), leb128(length), joined(contents));
    done = section.to;
  }
  return joined([...parts, code.subarray(done)]);
}

function limitsOf(initial: number, maximum: number): Uint8Array {
  return joined([new Uint8Array([1]), leb128(initial), leb128(maximum)]);
}

function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return new Uint8Array(bytes);
}

function joined(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

class ModuleReader {
  private at = 0;
  private end: number;

  constructor(private readonly code: Uint8Array) {
    this.end = code.length;
  }

  /** Return the sections that hold limits of memories. */
  sections(): Section[] {
    this.header();
    const found: Section[] = [];
    while (this.at < this.code.length) {
      const id = this.byte();
      const lengthAt = this.at;
      const length = this.u32();
      const from = this.at;
      const to = from + length;
      if (to > this.code.length) throw new MalformedModule("a section is cut off");
      if (id === IMPORTS || id === MEMORIES) found.push({ lengthAt, from, to, memories: this.memories(id, to) });
      this.at = to;
    }
    return found;
  }

  private header(): void {
    const magic = [0x00, 0x61, 0x73, 0x6d];
    if (magic.some((byte) => this.byte() !== byte)) throw new MalformedModule("no module begins like this");
    const version = [this.byte(), this.byte(), this.byte(), this.byte()].join(" ");
    if (version === "13 0 1 0") {
      throw new Error("this is a WebAssembly component (WASI preview 2); build a module for WASI preview 1 (target wasm32-wasip1)");
    }
    if (version !== "1 0 0 0") throw new MalformedModule("a version of the format that is not known");
  }

  private memories(id: number, to: number): Limits[] {
    this.end = to;
    const found: Limits[] = [];
    for (let left = this.u32(); left > 0; left--) {
      const memory = id === MEMORIES ? this.limits() : this.imported();
      if (memory !== null) found.push(memory);
    }
    if (this.at !== to) throw new MalformedModule("a section is longer than its contents");
    this.end = this.code.length;
    return found;
  }

  private imported(): Limits | null {
    this.skip(this.u32());
    this.skip(this.u32());
    switch (this.byte()) {
      case 0: // function
        this.u32();
        return null;
      case 1: // table
        this.valueType();
        this.tableLimits();
        return null;
      case 2:
        return this.limits();
      case 3: // global
        this.valueType();
        this.byte();
        return null;
      case 4: // tag
        this.byte();
        this.u32();
        return null;
      default:
        throw new MalformedModule("an import of a kind that is not known");
    }
  }

  private valueType(): void {
    const type = this.byte();
    // A reference to a type that is named by a number of any length.
    if (type === 0x63 || type === 0x64) this.leb(5);
    else if (type < 0x65 || type > 0x7f) throw new MalformedModule("a type that is not known");
  }

  private tableLimits(): void {
    const flags = this.byte();
    if (flags > 7) throw new MalformedModule("limits of a kind that is not known");
    this.leb(10);
    if ((flags & 1) === 1) this.leb(10);
  }

  private limits(): Limits {
    const from = this.at;
    const flags = this.byte();
    if (flags > 15) throw new MalformedModule("limits of a kind that is not known");
    if ((flags & 2) !== 0) throw new Error("the unit's memory is shared between threads, which units cannot be; build it without threads");
    if ((flags & 4) !== 0) throw new Error("the unit's memory has 64-bit addresses (memory64), which units cannot have; build it for wasm32");
    if ((flags & 8) !== 0) throw new Error("the unit's memory has pages of a size of its own, which units cannot have");
    const initial = this.u32();
    const maximum = (flags & 1) === 1 ? this.u32() : null;
    return { from, to: this.at, initial, maximum };
  }

  private byte(): number {
    const byte = this.code[this.at];
    if (byte === undefined || this.at >= this.end) throw new MalformedModule("it ends too early");
    this.at += 1;
    return byte;
  }

  private skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.end) throw new MalformedModule("it ends too early");
  }

  private u32(): number {
    const value = this.leb(5);
    if (value > 0xffff_ffff) throw new MalformedModule("a number is too large");
    return value;
  }

  /** An unsigned number in LEB128 of at most so many bytes; what lies above 2^53 is only skipped by who calls. */
  private leb(longest: number): number {
    let value = 0;
    for (let n = 0; n < longest; n++) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** (7 * n);
      if (byte < 128) return value;
    }
    throw new MalformedModule("a number is too long");
  }
}
