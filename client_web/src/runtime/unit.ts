/**
 * What one running unit may say, within limits.
 *
 * Rule: nothing a unit calls in a loop can fill the pipe: logs are counted in bytes, progress and states in calls a second.
 */

import type { CheckpointMessage, LogMessage, ProgressMessage } from "../protocol/engine";
import type { Terms } from "../protocol/messages";
import type { UnitApi } from "./language";
import * as p from "./primordials";
import { seededRandom } from "./random";
import { decodeValue, encodeValue, type WireValue } from "./values";

/** Bytes of log that one unit may write when its task does not say. */
export const MAX_LOG_BYTES = 65_536;
const MAX_LOG_LINE = 4_000;
/** States that pass at once, and how many more each second; of what comes too fast every state but the newest is dropped. */
const STATE_BURST = 20;
const STATES_PER_SECOND = 5;
/** Enough for the credit of one. */
const STATE_GAP_MS = 1000 / STATES_PER_SECOND + 10;
const PROGRESS_GAP_MS = 100;

export type UnitNote = CheckpointMessage | ProgressMessage | LogMessage;

/** The unit API of one unit of one run. Dead after its unit was answered: late calls from timers are ignored. */
export class RunningUnit implements UnitApi {
  readonly index: number;
  readonly state: unknown;
  #alive = true;
  #logged = 0;
  #progressAt = -Infinity;
  #credit = STATE_BURST;
  #creditAt = 0;
  #keptBack: WireValue | null = null;
  #draw: (() => number) | null = null;
  readonly #maxLog: number;
  readonly #task: string;
  readonly #token: string;
  readonly #post: (note: UnitNote) => void;
  readonly #state: WireValue | null;

  constructor(task: string, token: string, index: number, state: WireValue | undefined, terms: Terms, post: (note: UnitNote) => void) {
    this.#task = task;
    this.#token = token;
    this.#post = post;
    this.#maxLog = terms.max_log_bytes || MAX_LOG_BYTES;
    this.index = index;
    this.#state = state ?? null;
    this.state = state === undefined ? null : decodeValue(state);
  }

  // Getters of bound functions: `const {log} = unit` works, as units are often written, and most units ask for none of them.
  get save_state(): (state: unknown) => void {
    return this.saveState;
  }
  get saveState(): (state: unknown) => void {
    return (state) => {
      this.#save(state);
    };
  }
  get progress(): (fraction: number) => void {
    return (fraction) => {
      this.#progress(fraction);
    };
  }
  get log(): (...parts: unknown[]) => void {
    return (...parts) => {
      this.#log(parts);
    };
  }
  get random(): () => number {
    return (this.#draw ??= seededRandom(this.#task, this.index));
  }

  end(): void {
    this.#alive = false;
  }

  /** For a language that has values of its own: the state as it came, a `saveState` for one in wire form, a seed that is this unit's. */
  static inWireForm(unit: UnitApi): { state: WireValue | null; save(state: WireValue): void; seed: number } {
    if (!(#state in unit)) throw new TypeError("not a unit of this runtime");
    return {
      state: unit.#state,
      save: (state) => {
        unit.#keep(state);
      },
      seed: seededRandom(unit.#task, unit.index)(),
    };
  }

  #save(value: unknown): void {
    this.#keep(encodeValue(value, "state"));
  }

  #keep(state: WireValue): void {
    if (!this.#alive) return;
    const at = p.now();
    this.#credit = Math.min(STATE_BURST, this.#credit + ((at - this.#creditAt) / 1000) * STATES_PER_SECOND);
    this.#creditAt = at;
    if (this.#credit < 1) return this.#keepBack(state);
    this.#credit -= 1;
    this.#keptBack = null;
    this.#post({ type: "checkpoint", token: this.#token, index: this.index, state });
  }

  /** Let the newest of too many states go out when there is credit for one, if the unit lets the event loop turn. */
  #keepBack(state: WireValue): void {
    const isWaiting = this.#keptBack !== null;
    this.#keptBack = state;
    if (isWaiting) return;
    p.later(() => {
      const newest = this.#keptBack;
      this.#keptBack = null;
      if (newest !== null) this.#keep(newest);
    }, STATE_GAP_MS);
  }

  #progress(fraction: number): void {
    const at = p.now();
    if (!this.#alive || !(fraction >= 0 && fraction <= 1) || at - this.#progressAt < PROGRESS_GAP_MS) return;
    this.#progressAt = at;
    this.#post({ type: "progress", token: this.#token, index: this.index, fraction });
  }

  #log(parts: readonly unknown[]): void {
    if (!this.#alive || this.#logged >= this.#maxLog) return;
    let text = "";
    for (let i = 0; i < parts.length; i++) text += (i > 0 ? " " : "") + show(parts[i]);
    text = p.slice(text, 0, MAX_LOG_LINE);
    const left = this.#maxLog - this.#logged;
    // A line costs its line end, too, so that empty lines do not come without number.
    const bytes = p.encodeText(text).length + 1;
    this.#logged += bytes;
    if (bytes >= left) text = `${p.slice(text, 0, p.fitting(text, new p.Bytes(left)))} [this unit's log ends here: its limit is ${this.#maxLog} bytes]`;
    this.#post({ type: "log", token: this.#token, index: this.index, text });
  }
}

// A unit holds one of these: it may not change what the next one does.
Object.freeze(RunningUnit.prototype);

function show(part: unknown): string {
  if (typeof part === "string") return part;
  try {
    // A function or a symbol has no JSON text.
    const json: unknown = part instanceof Error ? undefined : p.stringify(part);
    return typeof json === "string" ? json : p.StringOf(part);
  } catch {
    return "[value that cannot be shown]";
  }
}
