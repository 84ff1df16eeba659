/**
 * Classic dis.io scripts, unchanged: `worker.onStart = function (data) {...}`, `communication.saveState(state)`, `communication.end(result)`.
 *
 * Rule: scripts see the globals that dis.io's client gave them: `worker` is the global object itself, `communication` and
 * `Communication` are one object, and `data` has `cmd`, `id`, `payload` and `state`. `end` may come after onStart returned.
 */

import type { Unit, UnitApi } from "./language";
import * as p from "./primordials";
import { decodeValue, encodeValue, type WireValue } from "./values";

interface ClassicGlobals {
  onStart?: unknown;
}

export class ClassicUnit implements Unit {
  private unit: UnitApi | null = null;
  private answer: { resolve(value: WireValue): void; reject(error: unknown): void } | null = null;
  /** The answer of a script that called `end` before onStart returned: no promise is made for it. */
  private early: { value: WireValue } | null = null;

  constructor(private readonly maxResult: number) {}

  isDefined(): boolean {
    return typeof (globalThis as ClassicGlobals).onStart === "function";
  }

  run(payload: WireValue, unit: UnitApi): WireValue | Promise<WireValue> {
    this.unit = unit;
    this.early = null;
    this.answer = null;
    const onStart = (globalThis as ClassicGlobals).onStart as (data: unknown) => unknown;
    const returned = onStart({ cmd: "start", id: unit.index, payload: decodeValue(payload), state: unit.state });
    const early = this.early as { value: WireValue } | null;
    if (early !== null) return early.value;
    return new Promise<WireValue>((resolve, reject) => {
      this.answer = { resolve, reject };
      // An async onStart that throws would otherwise leave the unit waiting for an end() that never comes.
      if (returned instanceof Promise) void p.promiseThen(returned, undefined, reject);
    });
  }

  /** Called by the script. The first end of a payload counts; repeats are ignored, as they were by dis.io's store. */
  end(result: unknown): void {
    if (this.unit === null || this.early !== null) return;
    try {
      this.early = { value: encodeValue(result, "result", this.maxResult) };
    } catch (error) {
      if (this.answer === null) throw error;
      return this.answer.reject(error);
    }
    this.answer?.resolve(this.early.value);
  }

  saveState(state: unknown): void {
    this.unit?.saveState(state);
  }
}

/** Put `worker` and `communication` where classic scripts look for them. */
export function installClassicGlobals(maxResult: number): ClassicUnit {
  const script = new ClassicUnit(maxResult);
  const communication = {
    saveState: (state: unknown) => {
      script.saveState(state);
    },
    end: (result: unknown) => {
      script.end(result);
    },
    createCommunication: () => communication,
  };
  // Writable, so that a script may declare variables of these names itself.
  for (const [name, value] of [["worker", globalThis], ["communication", communication], ["Communication", communication]] as const) {
    p.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
  return script;
}
