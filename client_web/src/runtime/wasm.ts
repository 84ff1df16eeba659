/**
 * WebAssembly units: WASI preview 1 commands, and modules with distwasm's `ProcessStdio`.
 *
 * Rule: a payload comes on standard input, its result leaves on standard output; both kinds differ in how often an instance is made.
 * The engine compiles a module once; here it is only made an instance of.
 */

import { compileUnit } from "../engine/wasm_memory";
import type { UnitCode } from "../protocol/engine";
import type { Terms } from "../protocol/messages";
import type { Language, Log, Unit, UnitApi } from "./language";
import type { Powers } from "./prelude";
import * as p from "./primordials";
import { encodeValue, MAX_VALUE_BYTES, ValueError, type WireValue } from "./values";
import { World } from "./wasi";
import { Output } from "./wasi_streams";
import { attempt } from "./wasm_endings";

/** Bytes of memory of instances that are done with, from which on they are not left to the engine's own collector: it sees the small objects only. */
const WASTE_BYTES = 96 * 1024 * 1024;
/** The length before a result of `ProcessStdio`: uint32, little-endian. */
const HEAD = 4;
const NOTHING = new p.Bytes(0);

export class WebAssemblyUnits implements Language {
  constructor(private readonly powers: Pick<Powers, "collect">) {}

  async load({ code, memory_mb, terms }: UnitCode, log: Log): Promise<Unit> {
    const module = code instanceof p.WasmModule ? code : await compileUnit(code, memory_mb);
    const has = (name: string): boolean => p.exportsOf(module).some((one) => one.name === name && one.kind === "function");
    const isReactor = has("ProcessStdio");
    if (!isReactor && !has("_start")) {
      throw new Error(
        "the work unit exports neither _start (a WASI command, what compilers make of a program with main) nor ProcessStdio (distwasm's ABI)",
      );
    }
    const limit = p.min(terms.max_result_bytes || MAX_VALUE_BYTES, MAX_VALUE_BYTES);
    const world = new World(new Output(isReactor ? limit + HEAD : limit), terms.clock !== "real");
    refuseImports(module, world.imports);
    const parts = { module, world, memory_mb, terms };
    if (!isReactor) return new Command(parts, this.powers);
    return new Reactor(parts, ["_initialize", "_start"].find(has) ?? null, log);
  }
}

interface Parts {
  module: WebAssembly.Module;
  world: World;
  memory_mb: number;
  terms: Terms;
}

/** @throws Error the module imports what is not there */
function refuseImports(module: WebAssembly.Module, offered: WebAssembly.Imports): void {
  const isThere = ({ module: from, name, kind }: WebAssembly.ModuleImportDescriptor): boolean =>
    kind === "function" && p.hasOwn(offered, from) && p.hasOwn(offered[from] as object, name);
  const unknown = p.importsOf(module).filter((one) => !isThere(one));
  if (unknown.length === 0) return;
  const names = unknown.slice(0, 5).map((one) => `${one.module}.${one.name} (${one.kind})`);
  const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : "";
  throw new Error(
    `the work unit imports ${names.join(", ")}${more}; a unit may import the functions of wasi_snapshot_preview1 (WASI preview 1) and of disio, ` +
      "so build it for wasm32-wasip1",
  );
}

function inputOf(payload: WireValue): Uint8Array {
  return payload[0] === 0 ? p.subarray(payload, 1) : payload;
}

/** A program with main: a new instance for every payload. */
class Command implements Unit {
  private waste = 0;

  constructor(
    private readonly parts: Parts,
    private readonly powers: Pick<Powers, "collect">,
  ) {}

  run(payload: WireValue, unit: UnitApi): WireValue {
    if (this.waste >= WASTE_BYTES) this.clear();
    const { module, world, memory_mb, terms } = this.parts;
    world.begin(inputOf(payload), unit, (line) => {
      unit.log(line);
    });
    attempt(world, memory_mb, () => {
      const instance = world.instance(module);
      try {
        call(instance, "_start");
      } finally {
        world.memory.refresh();
        this.waste += world.memory.bytes.length;
      }
    });
    return resultOf(world.stdout.written, terms.output);
  }

  private clear(): void {
    this.waste = 0;
    this.parts.world.memory.attach(null);
    this.powers.collect();
  }
}

/** distwasm's ABI: one instance for all payloads, until one fails or exits. */
class Reactor implements Unit {
  private instance: WebAssembly.Instance | null = null;

  constructor(
    private readonly parts: Parts,
    /** The export that sets an instance up: `_initialize`, or, in TinyGo's programs, a `_start` that returns. */
    private readonly setUp: string | null,
    log: Log,
  ) {
    this.instance = this.started(log);
  }

  run(payload: WireValue, unit: UnitApi): WireValue {
    const { world, memory_mb, terms } = this.parts;
    const log = (line: string): void => {
      unit.log(line);
    };
    const instance = this.instance ?? this.started(log);
    // Back when the unit has ended well: no payload meets what another one broke.
    this.instance = null;
    const input = inputOf(payload);
    world.begin(input, unit, log);
    attempt(world, memory_mb, () => {
      call(instance, "ProcessStdio", input.length);
    });
    const result = resultOf(framed(world.stdout.written), terms.output);
    if (world.ending === null) this.instance = instance;
    return result;
  }

  private started(log: Log): WebAssembly.Instance {
    const { module, world, memory_mb } = this.parts;
    let made: WebAssembly.Instance | null = null;
    world.begin(NOTHING, null, log);
    attempt(world, memory_mb, () => {
      const instance = world.instance(module);
      made = instance;
      if (this.setUp !== null) call(instance, this.setUp);
    });
    return made as unknown as WebAssembly.Instance;
  }
}

/** Call an export; those that take no size ignore it. */
function call(instance: WebAssembly.Instance, name: string, size = 0): void {
  (instance.exports[name] as (size: number) => unknown)(size);
}

/** What `ProcessStdio` wrote, without the length before it. */
function framed(written: Uint8Array): Uint8Array {
  if (written.length < HEAD) {
    throw new ValueError(
      `ProcessStdio wrote ${written.length} bytes to standard output; it has to write the length of its result (uint32, little-endian) and the result`,
    );
  }
  const length = p.u32(new p.View(written.buffer, written.byteOffset), 0, true);
  const size = written.length - HEAD;
  if (length !== size) throw new ValueError(`ProcessStdio announced a result of ${length} bytes and wrote ${size}`);
  return p.subarray(written, HEAD);
}

/** @throws ValueError it is not what the task says that it is */
function resultOf(output: Uint8Array, kind: string): WireValue {
  if (kind !== "text" && kind !== "json") return encodeValue(output, "result");
  let text: string;
  try {
    text = p.decodeText(output);
  } catch {
    throw new ValueError(`the unit's standard output is not UTF-8 text, and the task's output is ${kind}; take "bytes" for anything else`);
  }
  return encodeValue(kind === "text" ? text : parsed(text), "result");
}

function parsed(text: string): unknown {
  try {
    return p.parse(text);
  } catch (error) {
    throw new ValueError(`the unit's standard output is not JSON, and the task's output is json: ${(error as Error).message}`);
  }
}
