// A WebAssembly module: chosen or dropped, told apart by its exports, and uploaded by its hash.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api";
import * as format from "../format";
import { ChoiceField, type FormProps, idOf } from "./fields";
import { uploadCode } from "./upload";
import { type WasmInfo, wasmInfo } from "./wasm_info";

const FIELD = "workunit.source";
const MAX_EXPORTS_SHOWN = 12;

/** Reads a file into the form; what is wrong with it is told. */
export async function takeWasm(file: File, set: FormProps["set"], tell: (text: string) => void): Promise<void> {
  const info = wasmInfo(new Uint8Array(await file.arrayBuffer()));
  if (typeof info === "string") return tell(info);
  tell("Uploading…");
  try {
    const hash = await uploadCode(file);
    set({ "workunit.language": "wasm", wasm: "", wasmHash: hash, wasmName: file.name });
    tell("");
  } catch (error) {
    tell(`${file.name} was not uploaded: ${(error as Error).message}`);
  }
}

export function WasmFields(props: FormProps & { tell: (text: string) => void; told: string }) {
  const { draft, errors, set, tell, told } = props;
  const id = idOf(FIELD);
  const trouble = errors[FIELD]?.join("; ");
  return (
    <div class="field">
      <label for={id}>WebAssembly module</label>
      <input
        id={id}
        type="file"
        accept=".wasm,application/wasm"
        aria-invalid={trouble ? "true" : undefined}
        aria-describedby={`${id}-hint ${id}-error`}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) void takeWasm(file, set, tell);
        }}
      />
      <p class="error" id={`${id}-error`} role="status">
        {trouble ? `✕ ${trouble}` : told}
      </p>
      {(draft.wasm !== "" || draft.wasmHash !== "") && (
        <Module name={draft.wasmName} wasm={draft.wasm} wasmHash={draft.wasmHash} />
      )}
      <p class="hint" id={`${id}-hint`}>
        A WASI preview 1 command (payload on standard input, result on standard output), or distwasm's{" "}
        <code>ProcessStdio</code>. Such a module is built from C with{" "}
        <code>python -m ziglang cc -target wasm32-wasi -O2 -o unit.wasm unit.c</code>
      </p>
    </div>
  );
}

/** What the module is: its bytes are had from the draft, or by their hash. */
function Module({ name, wasm, wasmHash }: { name: string; wasm: string; wasmHash: string }) {
  const [seen, setSeen] = useState<{ info: WasmInfo | string; bytes: number } | null>(null);
  useEffect(() => {
    let isCurrent = true;
    codeBytes(wasm, wasmHash).then(
      (bytes) => isCurrent && setSeen({ info: wasmInfo(bytes), bytes: bytes.length }),
      () => isCurrent && setSeen(null),
    );
    return () => {
      isCurrent = false;
    };
  }, [wasm, wasmHash]);
  if (!seen) return <p class="mono">{name}</p>;
  if (typeof seen.info === "string") return <p class="error">✕ {seen.info}</p>;
  const { exports, kind } = seen.info;
  return (
    <>
      <p>
        <span class="mono">{name}</span> {format.bytes(seen.bytes)}, {kind === "" ? "✕ neither of both kinds" : kind}
      </p>
      {wasmHash && <p class="mono hint hash">{wasmHash}</p>}
      <p class="hint hash">
        Exports {exports.slice(0, MAX_EXPORTS_SHOWN).join(", ")}
        {exports.length > MAX_EXPORTS_SHOWN && ` and ${exports.length - MAX_EXPORTS_SHOWN} more`}
      </p>
    </>
  );
}

export async function codeBytes(wasm: string, wasmHash: string): Promise<Uint8Array> {
  if (wasmHash === "") return Uint8Array.from(atob(wasm), (char) => char.charCodeAt(0));
  return new Uint8Array(await (await call(`/api/workunits/${wasmHash}`)).arrayBuffer());
}

/** What the bytes that a WebAssembly unit writes are, and which time it sees. */
export function WasmTerms(props: FormProps) {
  return (
    <div class="columns">
      <ChoiceField
        {...props}
        field="workunit.output"
        label="Standard output is"
        options={[
          ["bytes", "Bytes"],
          ["text", "Text"],
          ["json", "JSON"],
        ]}
      />
      <ChoiceField
        {...props}
        field="workunit.clock"
        label="Clock"
        options={[
          ["fixed", "Fixed: the same payload gives the same result"],
          ["real", "Real time"],
        ]}
      />
    </div>
  );
}
