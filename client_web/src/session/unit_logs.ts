/**
 * What units write to their logs, until they are answered.
 *
 * Rule: of each unit the end is kept, and a note says how much went before it; pure and bounded. Twin of the CLI client's unit_logs.py.
 */

const MAX_CHARS = 4_000;
/** Of logs in one message. */
export const MAX_MESSAGE_CHARS = 256_000;
export const NO_ROOM = "[log left out: logs of one message have 256,000 characters at most]";
/** Units with a log at a time; of more the oldest is forgotten: it is of a unit that nobody answers any more. */
const MAX_UNITS = 1_000;

interface Written {
  text: string;
  cut: number;
}

export class UnitLogs {
  private readonly units = new Map<string, Written>();

  add(token: string, index: number, line: string): void {
    const key = `${index} ${token}`;
    const before = this.units.get(key);
    const text = before === undefined ? line : `${before.text}\n${line}`;
    const over = Math.max(0, text.length - MAX_CHARS);
    this.units.set(key, { text: text.slice(over), cut: (before?.cut ?? 0) + over });
    for (const oldest of this.units.keys()) {
      if (this.units.size <= MAX_UNITS) break;
      this.units.delete(oldest);
    }
  }

  /** What a unit wrote, which is forgotten here; empty = nothing. */
  take(token: string, index: number): string {
    if (this.units.size === 0) return "";
    const key = `${index} ${token}`;
    const found = this.units.get(key);
    if (found === undefined) return "";
    this.units.delete(key);
    return found.cut === 0 ? found.text : `[${found.cut.toLocaleString("en")} characters before this are left out]\n${found.text}`;
  }
}
