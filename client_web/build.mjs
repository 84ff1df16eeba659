/**
 * Builds everything: the unit runtime, the Deno host around it, and the browser client with the manifest that a distributor serves.
 *
 * Rule: outputs depend on the sources alone, so that two builds of one commit are equal byte for byte.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const hostDir = join(here, "../client_cli/src/disio_client/static");

/** Bundle one entry and return its text. */
async function bundle(entry, options = {}) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    absWorkingDir: here,
    bundle: true,
    write: false,
    minify: true,
    keepNames: false,
    charset: "utf8",
    legalComments: "none",
    target: "es2022",
    logLevel: "warning",
    ...options,
    define: { VERSION: JSON.stringify(version), ...options.define },
  });
  return result.outputFiles[0].text;
}

const runtime = await bundle("runtime/main.ts", { format: "iife", platform: "browser" });
const host = await bundle("engine/host.ts", { format: "esm", platform: "browser", define: { RUNTIME_SOURCE: JSON.stringify(runtime) } });
await mkdir(hostDir, { recursive: true });
await writeFile(join(hostDir, "engine-host.mjs"), host);
