/**
 * What a Python unit prints, cut into lines of log.
 *
 * Rule: a line that does not end is cut at MAX_LINE characters, so nothing grows while a unit prints.
 */

/** Characters after which a line is cut: more than a log shows of one. */
const MAX_LINE = 4_096;

export class Lines {
  private rest = "";
  private readonly decoder = new TextDecoder();

  constructor(private readonly log: (line: string) => void) {}

  /** Take bytes in; returns how many, as a stream's write does. */
  write(bytes: Uint8Array): number {
    const parts = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = parts.pop() ?? "";
    for (const part of parts) this.log(part);
    while (this.rest.length > MAX_LINE) {
      this.log(this.rest.slice(0, MAX_LINE));
      this.rest = this.rest.slice(MAX_LINE);
    }
    return bytes.length;
  }

  /** The unit is over: what is left is a line. */
  end(): void {
    const rest = this.rest + this.decoder.decode();
    this.rest = "";
    if (rest !== "") this.log(rest);
  }
}
