/**
 * Kits: the files that a language needs beside its units, for distributors to serve, and the lists that clients check them by.
 *
 * Rule: files are copied from npm packages byte for byte, so that any mirror of the package can serve them.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const pyodideDir = dirname(createRequire(import.meta.url).resolve("pyodide/package.json"));
const { version: pyodideVersion } = JSON.parse(await readFile(join(pyodideDir, "package.json"), "utf8"));

/** Language to kit. */
const KITS = {
  python: {
    name: `python-${pyodideVersion}`,
    from: pyodideDir,
    files: ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"],
    notice: "kits/python.NOTICE",
  },
};

/** Pyodide's lock file without packages: it checks the `info` in it. */
export async function pythonLock() {
  const { info } = JSON.parse(await readFile(join(pyodideDir, "pyodide-lock.json"), "utf8"));
  return JSON.stringify({ info, packages: {} });
}

/** Write every kit below `folder`; returns language to `{name, files: [{name, sha256, bytes}]}`. */
export async function makeKits(folder) {
  await rm(folder, { recursive: true, force: true });
  const lists = {};
  for (const [language, kit] of Object.entries(KITS)) lists[language] = { name: kit.name, files: await makeKit(kit, join(folder, kit.name)) };
  await writeFile(join(folder, "kits.json"), `${JSON.stringify(lists, null, 2)}\n`);
  return lists;
}

async function makeKit(kit, folder) {
  await mkdir(folder, { recursive: true });
  const notice = await readFile(join(here, kit.notice), "utf8");
  await writeFile(join(folder, "NOTICE"), notice.replaceAll("{{version}}", pyodideVersion));
  const files = [];
  for (const name of kit.files) {
    const bytes = await readFile(join(kit.from, name));
    const packed = gzipSync(bytes, { level: 9 });
    await writeFile(join(folder, name), bytes);
    if (packed.length < 0.95 * bytes.length) await writeFile(join(folder, `${name}.gz`), packed);
    files.push({ name, sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length });
  }
  return files;
}
