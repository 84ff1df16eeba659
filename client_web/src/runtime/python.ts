/**
 * Python units: one Pyodide interpreter per realm, which loads the unit once and runs its payloads.
 *
 * Rule: everything it is made of came with the realm; it fetches nothing. Python sees no JavaScript but the unit API: its `js` module is
 * empty, and what it could still reach of this realm was disarmed before it started.
 */

import type { Kit, UnitCode } from "../protocol/engine";
import type { Language, Log, Unit, UnitApi } from "./language";
import type { Powers } from "./prelude";
import * as p from "./primordials";
import { type FileSystem, Heap, limitFiles } from "./python_memory";
import { Lines } from "./python_streams";
import MODULE from "../../../client_cli/src/disio_client/engines/python_module.py";
import VALUES from "../../../client_cli/src/disio_client/engines/python_values.py";
import BOOTSTRAP from "./python_unit.py";
import { RunningUnit } from "./unit";
import { ValueError, type WireValue } from "./values";

/** Filled in by the build: the lock file that Pyodide asks for, naming no packages. */
declare const PYTHON_LOCK: string;

/** What python_unit.py imports from the CLI client, in the order of its making. */
const SHARED = [
  ["disio_client.engines.python_values", VALUES],
  ["disio_client.engines.python_module", MODULE],
];
const FINDING = `
import sys, types
for name, source in sources:
    sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), sys.modules[name].__dict__)
`;

/** Files may take so many times less than the heap: they come on top of it. */
const FILES_PART = 4;

interface Interpreter {
  runPython(code: string, options: { globals: unknown; filename: string }): unknown;
  toPy(value: unknown): Names;
  setStdin(options: { stdin: () => null }): void;
  setStdout(options: { write: (bytes: Uint8Array) => number }): void;
  setStderr(options: { write: (bytes: Uint8Array) => number }): void;
  FS: FileSystem;
  _api: { on_fatal?: (error: unknown) => void };
}

interface Names {
  get(name: string): unknown;
}

/** An interpreter that has had no unit yet. */
interface Fresh {
  python: Interpreter;
  heap: Heap;
  /** What python_unit.py defines. */
  names: Names;
}

/** `Loaded` of python_unit.py. */
interface LoadedUnit {
  problem: string;
  run(payload: WireValue, index: number, state: WireValue | undefined, link: Link, seed: number): WireValue | string | PromiseLike<WireValue | string>;
}

type StartUnit = (source: Uint8Array, max_result_bytes: number, memory_mb: number) => LoadedUnit;

/** What Python may call of a unit. */
interface Link {
  progress(fraction: number): void;
  log(text: string): void;
  random(): number;
  save(state: WireValue): void;
}

/** An error in Python's own words. */
class PythonError extends Error {
  override name = "";
  override stack = "";
}

class PythonMemoryError extends RangeError {
  override name = "";
  override stack = "";
}

/** The interpreter is broken: nothing but a new realm helps. */
class InterpreterLost extends Error {
  override name = "Python ended";
}

export class Python implements Language {
  private fresh: Promise<Fresh> | null = null;

  constructor(private readonly powers: Powers) {
    // Left to whoever owns the worker, who then replaces it: this is no error of the unit that runs.
    addEventListener("error", (event) => {
      if (event.error instanceof InterpreterLost) event.stopImmediatePropagation();
    });
  }

  async prepare(kit: Kit | null): Promise<void> {
    if (kit === null) throw new Error("this client has no Python to run it with");
    this.fresh = freshInterpreter(this.powers, kit);
    await this.fresh;
  }

  async load({ code, memory_mb, terms }: UnitCode, log: Log, kit: Kit | null): Promise<Unit> {
    if (this.fresh === null) await this.prepare(kit);
    const { python, heap, names } = await (this.fresh as Promise<Fresh>);
    const lines = new Lines(log);
    const write = lines.write.bind(lines);
    python.setStdin({ stdin: () => null });
    python.setStdout({ write });
    python.setStderr({ write });
    heap.limit(memory_mb);
    limitFiles(python.FS, memory_mb / FILES_PART);
    const start = names.get("start") as StartUnit;
    const loaded = start(code as Uint8Array, terms.max_result_bytes, memory_mb);
    lines.end();
    if (loaded.problem !== "") throw errorOf(loaded.problem);
    return new PythonUnit(python, loaded, lines, heap);
  }
}

async function freshInterpreter(powers: Powers, kit: Kit): Promise<Fresh> {
  const heap = new Heap();
  const python = await startInterpreter(powers, kit, heap);
  const names = python.toPy({});
  python.runPython(FINDING, { globals: python.toPy({ sources: SHARED }), filename: "python_unit.py" });
  python.runPython(BOOTSTRAP, { globals: names, filename: "python_unit.py" });
  return { python, heap, names };
}

class PythonUnit implements Unit {
  private isLost = false;

  constructor(
    python: Interpreter,
    private readonly loaded: LoadedUnit,
    private readonly lines: Lines,
    private readonly heap: Heap,
  ) {
    python._api.on_fatal = (error) => {
      this.isLost = true;
      p.later(() => {
        throw new InterpreterLost(String(error));
      }, 0);
    };
  }

  get bytes(): number {
    return this.heap.bytes;
  }

  run(payload: WireValue, unit: UnitApi): WireValue | Promise<WireValue> {
    const { state, save, seed } = RunningUnit.inWireForm(unit);
    const link: Link = {
      save,
      progress: (fraction) => unit.progress(fraction),
      log: (text) => unit.log(text),
      random: () => unit.random(),
    };
    let answer: WireValue | string | PromiseLike<WireValue | string>;
    try {
      answer = this.loaded.run(payload, unit.index, state ?? undefined, link, seed);
    } catch (error) {
      return this.unlessLost(error);
    }
    if (typeof answer === "string" || p.isBytes(answer)) return this.settled(answer);
    return this.awaited(answer);
  }

  private async awaited(answer: PromiseLike<WireValue | string>): Promise<WireValue> {
    let said: WireValue | string;
    try {
      said = await answer;
    } catch (error) {
      return this.unlessLost(error);
    }
    return this.settled(said);
  }

  private settled(said: WireValue | string): WireValue {
    this.lines.end();
    if (typeof said === "string") throw errorOf(said);
    return said;
  }

  /** A lost interpreter answers nothing more: its worker is about to end, and this unit is taken to have ended it. */
  private unlessLost(error: unknown): Promise<WireValue> {
    if (this.isLost) return new Promise(() => undefined);
    throw error;
  }
}

/** The error of a failure as python_unit.py tells it: its kind, a line end, its text. */
function errorOf(said: string): Error {
  const at = said.indexOf("\n");
  const kind = said.slice(0, at);
  const text = said.slice(at + 1);
  if (kind === "result") return new ValueError(text);
  return kind === "memory" ? new PythonMemoryError(text) : new PythonError(text);
}

/** `Function` for Pyodide, which asks what a function is; like the one that units have not, it makes no code from text. */
function inertFunction(): unknown {
  const inert = (): never => {
    throw new EvalError("code from text is not allowed in a work unit");
  };
  return p.defineProperty(inert, "prototype", { value: p.getPrototypeOf(inert) });
}

/** Start Pyodide from the files of its kit, by ways that are closed again afterwards. */
async function startInterpreter(powers: Powers, kit: Kit, heap: Heap): Promise<Interpreter> {
  const root = globalThis as Record<string, unknown>;
  const { instantiateStreaming } = WebAssembly;
  const wasm = kit["pyodide.asm.wasm"] as WebAssembly.Module;
  const textOf = (name: string): string => p.decodeText(kit[name] as Uint8Array);
  root["Function"] = inertFunction();
  root["fetch"] = (url: unknown) => {
    const file = kit[String(url).split("/").pop() ?? ""];
    return Promise.resolve(new Response(file instanceof Uint8Array ? (file as BodyInit) : null));
  };
  try {
    const loader = await powers.importModule(textOf("pyodide.mjs"));
    const { default: createPyodideModule } = await powers.importModule(textOf("pyodide.asm.mjs"));
    return await new Promise<Interpreter>((resolve, reject) => {
      // Pyodide only warns of an instance that cannot be made, and would then wait for ever.
      WebAssembly.instantiateStreaming = (_source, imports) => instantiated(wasm, heap, imports ?? {}, reject);
      const load = loader["loadPyodide"] as (options: object) => Promise<Interpreter>;
      load({
        createPyodideModule,
        indexURL: "http://kit.invalid/",
        lockFileContents: PYTHON_LOCK,
        jsglobals: Object.create(null) as object,
        env: { HOME: "/home/unit", PYTHONHASHSEED: "0" },
        enableRunUntilComplete: false,
        stdout: () => undefined,
        stderr: () => undefined,
      }).then(resolve, reject);
    });
  } finally {
    WebAssembly.instantiateStreaming = instantiateStreaming;
    delete root["fetch"];
  }
}

async function instantiated(
  module: WebAssembly.Module,
  heap: Heap,
  imports: WebAssembly.Imports,
  reject: (error: unknown) => void,
): Promise<WebAssembly.WebAssemblyInstantiatedSource> {
  try {
    const instance = await WebAssembly.instantiate(module, heap.guarded(imports));
    heap.watch(instance);
    return { instance, module };
  } catch (error) {
    reject(error);
    throw error;
  }
}
