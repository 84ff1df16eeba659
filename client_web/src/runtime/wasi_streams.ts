/**
 * Standard input, output and error of a WebAssembly unit.
 *
 * Rule: each is bounded. Output over its limit ends the unit; of what goes to standard error the log takes what its own limit allows,
 * and the end is kept for the error text.
 */

import { Fd, wasi } from "@bjorn3/browser_wasi_shim";
import * as p from "./primordials";
import { ValueError } from "./values";

/** Characters of standard error that a failed unit's error text has. */
const TAIL_CHARS = 2_000;
/** A line that is longer goes to the log in pieces. */
const LINE_CHARS = 4_000;
const NOTHING = new p.Bytes(0);

/** A stream is neither a file nor a terminal: programs then write in blocks, not line by line. */
class Stream extends Fd {
  constructor(private readonly right: number) {
    super();
  }

  override fd_fdstat_get(): { ret: number; fdstat: wasi.Fdstat } {
    const fdstat = new wasi.Fdstat(wasi.FILETYPE_UNKNOWN, 0);
    fdstat.fs_rights_base = p.BigIntOf(this.right);
    return { ret: wasi.ERRNO_SUCCESS, fdstat };
  }
}

export class Input extends Stream {
  private data: Uint8Array = NOTHING;
  private at = 0;

  constructor() {
    super(wasi.RIGHTS_FD_READ);
  }

  begin(data: Uint8Array): void {
    this.data = data;
    this.at = 0;
  }

  /** Copy what is next into `into`; return how many bytes it was, 0 at the end. */
  read(into: Uint8Array, at: number, length: number): number {
    const count = p.min(length, this.data.length - this.at);
    if (count > 0) p.setBytes(into, p.subarray(this.data, this.at, this.at + count), at);
    this.at += count;
    return count;
  }
}

/** Where a unit writes to. */
export abstract class Sink extends Stream {
  constructor() {
    super(wasi.RIGHTS_FD_WRITE);
  }

  abstract write(data: Uint8Array): void;
}

export class Output extends Sink {
  private kept: Uint8Array = NOTHING;
  private length = 0;

  /** @param limit bytes */
  constructor(private readonly limit: number) {
    super();
  }

  begin(): void {
    // Room that one large result took is not kept for all that follow.
    if (this.kept.length > 65_536) this.kept = NOTHING;
    this.length = 0;
  }

  /** What was written, until the next unit begins. */
  get written(): Uint8Array {
    return p.subarray(this.kept, 0, this.length);
  }

  /** @throws ValueError it is more than the task allows */
  write(data: Uint8Array): void {
    const length = this.length + data.length;
    if (length > this.limit) throw new ValueError(`the unit wrote more to standard output than its limit of ${this.limit} bytes`);
    if (length > this.kept.length) {
      const room = new p.Bytes(p.max(length, p.min(2 * this.kept.length, this.limit), 256));
      p.setBytes(room, this.written, 0);
      this.kept = room;
    }
    p.setBytes(this.kept, data, this.length);
    this.length = length;
  }
}

export class Errors extends Sink {
  private decoder = new p.Decoder("utf-8", { ignoreBOM: true });
  private log: (line: string) => void = () => undefined;
  private line = "";
  private said = "";
  private isSilent = true;

  begin(log: (line: string) => void): void {
    this.log = log;
    if (this.isSilent) return;
    this.decoder = new p.Decoder("utf-8", { ignoreBOM: true });
    this.line = this.said = "";
    this.isSilent = true;
  }

  write(data: Uint8Array): void {
    this.isSilent = false;
    this.add(p.decodeWith(this.decoder, data, { stream: true }));
  }

  /** Log what is left of the last line. */
  end(): void {
    if (this.isSilent) return;
    this.add(p.decodeWith(this.decoder));
    if (this.line !== "") this.log(this.line);
    this.line = "";
  }

  /** The end of what was written, without empty lines after it. */
  get tail(): string {
    return p.trimEnd(p.slice(this.said, -TAIL_CHARS));
  }

  private add(text: string): void {
    this.said += text;
    if (this.said.length > 4 * TAIL_CHARS) this.said = p.slice(this.said, -TAIL_CHARS);
    let from = 0;
    for (let to = p.indexOf(text, "\n", 0); to >= 0; to = p.indexOf(text, "\n", from)) {
      this.log(this.line + p.slice(text, from, to));
      this.line = "";
      from = to + 1;
    }
    this.line += p.slice(text, from);
    for (; this.line.length > LINE_CHARS; this.line = p.slice(this.line, LINE_CHARS)) this.log(p.slice(this.line, 0, LINE_CHARS));
  }
}
