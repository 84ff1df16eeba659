/**
 * A unit's memory as host calls may touch it.
 *
 * Rule: an address or a length that a unit gives is checked against its memory before a byte is read or written. Views are taken anew
 * whenever the memory has grown.
 */

import * as p from "./primordials";

export class UnitMemory {
  bytes = new p.Bytes(0);
  view = new p.View(this.bytes.buffer);
  private memory: WebAssembly.Memory | null = null;

  /** Use the memory that an instance exports as `memory`, if it does. */
  attach(exports: WebAssembly.Exports | null): void {
    const memory = exports?.["memory"];
    this.memory = memory instanceof p.WasmMemory ? memory : null;
    this.look(this.memory === null ? new p.Bytes(0).buffer : p.bufferOf(this.memory));
  }

  /** Take views of the memory as it is now. To be called first in a host call: an old view is of no use after the memory has grown. */
  refresh(): void {
    if (this.memory === null) return;
    const buffer = p.bufferOf(this.memory);
    if (buffer !== this.bytes.buffer) this.look(buffer);
  }

  holds(at: number, length: number): boolean {
    return at + length <= this.bytes.length;
  }

  private look(buffer: ArrayBuffer): void {
    this.bytes = new p.Bytes(buffer);
    this.view = new p.View(buffer);
  }
}
