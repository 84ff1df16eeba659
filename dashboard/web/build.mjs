// Builds the pages into the Python package. Fails when the first load would be over its budget.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGET_BYTES = 80_000; // of the first load, gzipped
const here = dirname(fileURLToPath(import.meta.url));
const out = process.env.DISIO_WEB_OUT ?? join(here, "../src/disio_dashboard/static");

const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.tsx", style: "src/style.css", login: "src/login.css" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  write: false,
});

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "assets"), { recursive: true });
let page = readFileSync(join(here, "src/index.html"), "utf8");
let total = gzipSync(page).length;
for (const { path, contents } of outputFiles) {
  const { name, ext, base } = parse(path);
  if (name === "login") {
    writeFileSync(join(out, base), contents); // the sign-in page is the server's own and knows no hash
    continue;
  }
  const hashed = `${name}-${createHash("sha256").update(contents).digest("hex").slice(0, 10)}${ext}`;
  const packed = gzipSync(contents, { level: 9 }); // the server sends this sibling to browsers that accept it
  writeFileSync(join(out, "assets", hashed), contents);
  writeFileSync(join(out, "assets", `${hashed}.gz`), packed);
  page = page.replaceAll(`"/${base}"`, `"/assets/${hashed}"`);
  total += packed.length;
}
writeFileSync(join(out, "index.html"), page);
writeFileSync(join(out, "icon.svg"), readFileSync(join(here, "src/icon.svg")));

console.log(`first load ${total} bytes gzipped (budget ${BUDGET_BYTES})`);
if (total > BUDGET_BYTES) {
  console.error("over the budget of the first load");
  process.exit(1);
}
