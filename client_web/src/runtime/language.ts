/**
 * What a language is to the runtime: something that loads code once and then runs it on payloads.
 *
 * Rule: languages see wire values and the unit API only; tokens, batches and messages are the runner's.
 */

import type { Kit, UnitCode } from "../protocol/engine";
import type { WireValue } from "./values";

/** What a running unit may ask of the runtime. */
export interface UnitApi {
  readonly index: number;
  /** What an earlier client saved, or null. */
  readonly state: unknown;
  save_state(state: unknown): void;
  saveState(state: unknown): void;
  /** How far the unit is, 0 to 1. */
  progress(fraction: number): void;
  log(...parts: unknown[]): void;
  /** A double in [0, 1): the same sequence for the same task and index everywhere. */
  random(): number;
}

/** One way to run loaded code on one payload. */
export interface Unit {
  /** Memory that it holds between payloads, where that is known. */
  readonly bytes?: number;
  run(payload: WireValue, unit: UnitApi): WireValue | Promise<WireValue>;
}

export type Log = (text: string) => void;

export interface Language {
  /** Do what can be done before there is a unit; for languages that are slow to start. */
  prepare?(kit: Kit | null): Promise<void>;
  /**
   * Turn code into a unit that is then used for every payload of the realm. `log` takes what is written outside of `unit.log`.
   * Rejects with what to tell the submitter.
   */
  load(unit: UnitCode, log: Log, kit: Kit | null): Promise<Unit>;
}
