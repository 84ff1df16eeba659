/**
 * JavaScript units: an ES module with a default export, or a classic dis.io script.
 *
 * Rule: the engine's own parser tells the two apart. The source is run as a script first; a module that exports anything is a
 * SyntaxError as a script, found before a single statement runs, and is then imported. Nothing is guessed from the text.
 */

import { ClassicUnit, installClassicGlobals } from "./classic";
import type { Language, Unit, UnitApi } from "./language";
import type { Powers } from "./prelude";
import * as p from "./primordials";
import type { UnitCode } from "../protocol/engine";
import { UNIT_FILE } from "./places";
import { decodeValue, encodeValue, type WireValue } from "./values";

type RunFunction = (payload: unknown, unit: UnitApi) => unknown;

export class JavaScript implements Language {
  constructor(private readonly powers: Powers) {}

  async load({ code, terms }: UnitCode): Promise<Unit> {
    // The name makes places in stack traces readable, and tells the unit's frames from the runtime's.
    const source = `${p.decodeText(code as Uint8Array)}\n//# sourceURL=${UNIT_FILE}`;
    const script = installClassicGlobals(terms.max_result_bytes);
    const problem = this.tryScript(source);
    if (problem === null) return this.classicUnit(script);
    const loaded = await this.tryModule(source);
    if ("module" in loaded) return moduleUnit(loaded.module, terms.max_result_bytes);
    // Neither a script nor a module: tell the error of what it most likely was meant to be.
    throw /^\s*(?:export|import)\b/mu.test(source) ? loaded.problem : problem;
  }

  private tryScript(source: string): unknown {
    try {
      this.powers.runScript(source);
      return null;
    } catch (error) {
      if (error instanceof SyntaxError) return error;
      throw error;
    }
  }

  private async tryModule(source: string): Promise<{ module: Record<string, unknown> } | { problem: unknown }> {
    try {
      return { module: await this.powers.importModule(source) };
    } catch (problem) {
      return { problem };
    }
  }

  private classicUnit(script: ClassicUnit): Unit {
    if (script.isDefined()) return script;
    throw new Error(
      "the work unit has neither a default export nor worker.onStart; write `export default function run(payload, unit) { ... }`",
    );
  }
}

function moduleUnit(module: Record<string, unknown>, maxResult: number): Unit {
  const run = module["default"];
  if (typeof run !== "function") throw new Error("the work unit's module has no default export that is a function");
  return new ModuleUnit(run as RunFunction, maxResult);
}

class ModuleUnit implements Unit {
  constructor(
    private readonly call: RunFunction,
    private readonly maxResult: number,
  ) {}

  run(payload: WireValue, unit: UnitApi): WireValue | Promise<WireValue> {
    const run = this.call;
    const result = run(decodeValue(payload), unit);
    if (isThenable(result)) return settle(result, this.maxResult);
    return encodeValue(result, "result", this.maxResult);
  }
}

async function settle(result: PromiseLike<unknown>, maxResult: number): Promise<WireValue> {
  return encodeValue(await result, "result", maxResult);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
