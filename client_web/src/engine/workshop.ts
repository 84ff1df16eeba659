/**
 * Makes code ready for realms: WebAssembly is compiled once and kept by hash, for as many realms as come.
 *
 * Rule: it runs no unit. A module is compiled from the code it is named by and from nothing else; code that does not compile goes on as
 * it is, so that the realm tells why.
 */

import type { Kit, KitMessage, RealmSpec, StartRealm, UnitSpec } from "../protocol/engine";
import { compileUnit } from "./wasm_memory";

/** Modules that are kept; the one used longest ago goes first. */
const MAX_MODULES = 16;

export class Workshop {
  private readonly kits = new Map<string, Promise<Kit>>();
  private readonly modules = new Map<string, Promise<Uint8Array | WebAssembly.Module>>();

  keep(kit: KitMessage): void {
    const compiling = compileKit(kit.files);
    // A realm that is made of it tells what is wrong.
    compiling.catch(() => undefined);
    this.kits.set(kit.language, compiling);
  }

  async prepare({ language, unit }: RealmSpec): Promise<StartRealm> {
    const kit = (await this.kits.get(language)) ?? null;
    if (unit === null) return { language, kit, unit };
    const { code, memory_mb, terms } = unit;
    return { language, kit, unit: { code: language === "wasm" ? await this.module(unit) : code, memory_mb, terms } };
  }

  private module({ workunit, code, memory_mb }: UnitSpec): Promise<Uint8Array | WebAssembly.Module> {
    const key = `${workunit} ${memory_mb}`;
    const kept = this.modules.get(key) ?? compiled(code, memory_mb);
    this.modules.delete(key);
    this.modules.set(key, kept);
    for (const oldest of this.modules.keys()) {
      if (this.modules.size <= MAX_MODULES) break;
      this.modules.delete(oldest);
    }
    return kept;
  }
}

async function compiled(code: Uint8Array, memory_mb: number): Promise<Uint8Array | WebAssembly.Module> {
  try {
    return await compileUnit(code, memory_mb);
  } catch {
    return code;
  }
}

async function compileKit(files: KitMessage["files"]): Promise<Kit> {
  const kit: Kit = {};
  for (const [name, file] of Object.entries(files)) {
    const bytes = file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
    kit[name] = name.endsWith(".wasm") ? await WebAssembly.compile(bytes as BufferSource) : bytes;
  }
  return kit;
}
