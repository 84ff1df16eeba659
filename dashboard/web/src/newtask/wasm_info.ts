// What a WebAssembly file is, read from its bytes: the page's policy lets nothing be compiled here.
// Format: https://webassembly.github.io/spec/core/binary/modules.html

export interface WasmInfo {
  exports: string[];
  /** Modules that it imports from. */
  imports: string[];
  /** How disio would run it; empty = it would not. */
  kind: "WASI command" | "distwasm (ProcessStdio)" | "";
}

const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const IMPORTS = 2;
const EXPORTS = 7;
const MAX_NAMES = 10_000;

/** Reads numbers and names one after the other; throws RangeError past the end. */
class Reader {
  at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new RangeError("the file ends too early");
    this.at += 1;
    return value;
  }

  /** LEB128, 32 bits at most. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number is too long");
  }

  part(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new RangeError("the file ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name(): string {
    return new TextDecoder().decode(this.part(this.number()));
  }
}

/** Returns what a file is, or a sentence that says why it is none. */
export function wasmInfo(bytes: Uint8Array): WasmInfo | string {
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) return "This file is no WebAssembly module.";
  const found: WasmInfo = { exports: [], imports: [], kind: "" };
  try {
    const reader = new Reader(bytes.subarray(MAGIC.length));
    while (!reader.isAtEnd) {
      const id = reader.byte();
      const section = new Reader(reader.part(reader.number()));
      if (id === IMPORTS) found.imports = importsOf(section);
      else if (id === EXPORTS) found.exports = exportsOf(section);
    }
  } catch (error) {
    return `This WebAssembly module is damaged: ${(error as Error).message}.`;
  }
  if (found.exports.includes("_start")) found.kind = "WASI command";
  else if (found.exports.includes("ProcessStdio")) found.kind = "distwasm (ProcessStdio)";
  return found;
}

function exportsOf(section: Reader): string[] {
  return Array.from({ length: Math.min(section.number(), MAX_NAMES) }, () => {
    const name = section.name();
    section.byte();
    section.number();
    return name;
  });
}

function importsOf(section: Reader): string[] {
  const modules = new Set<string>();
  for (let left = Math.min(section.number(), MAX_NAMES); left > 0; left -= 1) {
    modules.add(section.name());
    section.name();
    skipType(section);
  }
  return [...modules];
}

/** The type of an import: function, table, memory or global. */
function skipType(section: Reader): void {
  const kind = section.byte();
  if (kind === 0) section.number();
  else if (kind === 3) section.part(2);
  else {
    if (kind === 1) section.byte();
    const hasMaximum = section.byte() & 1;
    section.number();
    if (hasMaximum) section.number();
  }
}
