// Builds the pages into the Python package. Fails when the first load would be over its budget.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGET_BYTES = 80_000; // of the first load of any page, gzipped
const EDITOR_BYTES = 160_000; // of the editor, which the page of a new task fetches after it is shown
const here = dirname(fileURLToPath(import.meta.url));
const out = process.env.DISIO_WEB_OUT ?? join(here, "../src/disio_dashboard/static");

const { outputFiles, metafile } = await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.tsx", style: "src/style.css", login: "src/login.css" },
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  splitting: true, // a page is a chunk of its own, fetched when it is first opened
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
  write: false,
});

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "assets"), { recursive: true });
const packed = new Map();
for (const { path, contents } of outputFiles) {
  const { name, base } = parse(path);
  if (name.startsWith("login-")) {
    writeFileSync(join(out, "login.css"), contents); // the sign-in page is the server's own and knows no hash
    continue;
  }
  packed.set(base, gzipSync(contents, { level: 9 })); // the server sends this sibling to browsers that accept it
  writeFileSync(join(out, "assets", base), contents);
  writeFileSync(join(out, "assets", `${base}.gz`), packed.get(base));
}

/** The file that an entry became. */
const outputs = Object.entries(metafile.outputs).map(([file, output]) => [parse(file).base, output]);
const fileOf = (entry) => outputs.find(([, { entryPoint }]) => entryPoint === entry)[0];
const app = fileOf("src/main.tsx");
const style = fileOf("src/style.css");
const page = readFileSync(join(here, "src/index.html"), "utf8")
  .replace("/app.js", `/assets/${app}`)
  .replace("/style.css", `/assets/${style}`);
writeFileSync(join(out, "index.html"), page);
writeFileSync(join(out, "icon.svg"), readFileSync(join(here, "src/icon.svg")));

/** The files that must be there before a page is shown, its own chunk included. */
function neededBy(base) {
  const files = new Set([base]);
  for (const file of files) {
    const { imports } = outputs.find(([name]) => name === file)[1];
    for (const { path, kind } of imports) if (kind === "import-statement") files.add(parse(path).base);
  }
  return files;
}
const sizeOf = (files) => [...files].reduce((sum, file) => sum + packed.get(file).length, 0);

let isOver = false;
function check(what, size, budget) {
  console.log(`${what} ${size} bytes gzipped (budget ${budget})`);
  isOver ||= size > budget;
}
const frame = new Set([...neededBy(app), style]);
const pages = outputs.filter(([, { entryPoint }]) => /^src\/\w+\/page\.tsx$/.test(entryPoint ?? ""));
const first = pages.map(([base, { entryPoint }]) => ({
  entryPoint,
  size: sizeOf(new Set([...frame, ...neededBy(base)])),
}));
for (const { entryPoint, size } of first)
  check(`first load of ${entryPoint}`, gzipSync(page).length + size, BUDGET_BYTES);
const editor = neededBy(fileOf("src/newtask/codemirror.ts"));
check("editor", sizeOf(new Set([...editor].filter((file) => !frame.has(file)))), EDITOR_BYTES);
if (isOver) {
  console.error("over a budget");
  process.exit(1);
}
