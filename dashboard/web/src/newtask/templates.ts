// Tasks to start from; each one runs as it is. They are data (gallery.json), so that tests run the very same ones on real clients.

import type { Draft } from "./draft";
import GALLERY from "./gallery.json";

export type Template = {
  key: string;
  label: string;
  about: string;
  /** A character for its card; `mandelbrot` has a picture. */
  glyph: string;
} & Pick<
  Draft,
  "name" | "workunit.language" | "workunit.source" | "workunit.output" | "wasm" | "wasmName" | "payloads"
>;

export const TEMPLATES: Template[] = GALLERY.map((entry) => ({
  key: entry.key,
  label: entry.label,
  about: entry.about,
  glyph: entry.glyph,
  name: entry.name,
  "workunit.language": entry.language,
  "workunit.source": entry.source.join("\n"),
  "workunit.output": entry.output ?? "bytes",
  wasm: entry.wasm ?? "",
  wasmName: entry.wasmName ?? "",
  payloads: JSON.stringify(entry.payloads),
}));

export const LANGUAGE_NAMES: Record<string, string> = {
  javascript: "JavaScript",
  python: "Python",
  wasm: "WebAssembly",
};
