/**
 * Builds everything: the unit runtime, the Deno host around it, and the browser client with the manifest that a distributor serves.
 *
 * Rule: outputs depend on the sources alone, so that two builds of one commit are equal byte for byte.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { makeKits, pythonLock } from "./kits.mjs";

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
    loader: { ".py": "text" },
    ...options,
    define: { VERSION: JSON.stringify(version), ...options.define },
  });
  return result.outputFiles[0].text;
}

const webDir = join(here, "../distributor/src/disio_distributor/static");
const kits = await makeKits(join(webDir, "kits"));

const runtime = await bundle("runtime/main.ts", {
  format: "iife",
  platform: "browser",
  define: { PYTHON_LOCK: JSON.stringify(await pythonLock()) },
});
const runtimeSource = { RUNTIME_SOURCE: JSON.stringify(runtime) };

const sha256 = (text) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;
const page = (name) => readFile(join(here, "pages", name), "utf8");

/** Scripts and styles go inline, so that a policy can name them by hash and needs no host. */
const inline = (html, parts) => html.replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
const scriptText = (text) => text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");

const EMBEDDABLE = {
  // Pages that are cross-origin isolated may embed these frames.
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "cross-origin",
};
const COMMON = { "Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" };

async function consentPage(computePath) {
  const downloader = await bundle("client/downloader.ts", { format: "iife", platform: "browser" });
  const define = { KITS: JSON.stringify(kits), DOWNLOADER_SOURCE: JSON.stringify(downloader), COMPUTE_PATH: JSON.stringify(computePath) };
  const script = scriptText(await bundle("embed/consent.ts", { format: "iife", platform: "browser", define }));
  const style = (await page("consent.css")).trim();
  // A Redirect may lead to a distributor of any address; frames and scripts are this one's own.
  const policy =
    `default-src 'none'; script-src ${sha256(script)}; style-src ${sha256(style)}; ` +
    "connect-src 'self' http: https: ws: wss:; worker-src blob:; frame-src 'self'; base-uri 'none'; form-action 'none'";
  const body = inline(await page("consent.html"), { script, style });
  return { body, headers: { ...COMMON, ...EMBEDDABLE, "Content-Security-Policy": policy } };
}

async function computePage() {
  const script = scriptText(await bundle("embed/compute.ts", { format: "iife", platform: "browser", define: runtimeSource }));
  // No host and no 'self': units inherit this policy, and whatever it names they could reach.
  const policy = `default-src 'none'; script-src ${sha256(script)} blob: 'wasm-unsafe-eval'; worker-src blob:; sandbox allow-scripts`;
  const body = inline((await page("compute.html")).trim(), { script });
  return { body, headers: { ...COMMON, ...EMBEDDABLE, "Content-Security-Policy": policy } };
}

async function demoPage() {
  const script = scriptText(await bundle("embed/demo.ts", { format: "iife", platform: "browser" }));
  const style = (await page("demo.css")).trim();
  const policy =
    `default-src 'none'; script-src 'self' ${sha256(script)}; style-src ${sha256(style)}; frame-src 'self'; base-uri 'none'; form-action 'none'`;
  const body = inline(await page("demo.html"), { script, style });
  return { body, headers: { ...COMMON, "Content-Security-Policy": policy } };
}

/** For `disio test`: served on its user's machine, so it lies beside the CLI client's files and in no distributor. */
async function trialPage() {
  const script = scriptText(await bundle("embed/trial.ts", { format: "iife", platform: "browser" }));
  const style = (await page("trial.css")).trim();
  const policy =
    `default-src 'none'; script-src ${sha256(script)}; style-src ${sha256(style)}; ` +
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'";
  const body = inline((await page("trial.html")).trim(), { script, style });
  return { body, headers: { ...COMMON, "Cache-Control": "no-store", "Content-Security-Policy": policy } };
}

/**
 * For the dashboard's form, which lets people try a unit before it is submitted: the compute frame under the same policy, framed by the
 * dashboard alone, and the module that runs units in it.
 */
async function tryoutFiles() {
  const { body, headers } = await computePage();
  const policy = `${headers["Content-Security-Policy"]}; frame-ancestors 'self'`;
  const define = { KITS: JSON.stringify(kits) };
  return {
    "/compute": { file: "compute.html", content_type: HTML, body, headers: { "X-Frame-Options": "SAMEORIGIN", "Content-Security-Policy": policy } },
    "/tryout.mjs": { file: "tryout.mjs", content_type: SCRIPT, body: await bundle("embed/tryout.ts", { format: "esm", platform: "browser", define }), headers: {} },
  };
}

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const loader = await bundle("embed/loader.ts", { format: "iife", platform: "browser" });
const compute = await computePage();
// By its content, and kept for good: browsers that have it need no distributor to make the frame anew.
const computePath = `/embed/compute/${createHash("sha256").update(compute.body).digest("hex").slice(0, 16)}`;
const consent = await consentPage(computePath);
const helpHeaders = (headers) => ({ ...headers, "Content-Security-Policy": `${headers["Content-Security-Policy"]}; frame-ancestors 'none'` });
const outputs = {
  "/client.js": { file: "client.js", content_type: SCRIPT, body: loader, headers: { ...COMMON, "Cross-Origin-Resource-Policy": "cross-origin" } },
  "/embed/consent": { file: "consent.html", content_type: HTML, ...consent },
  "/embed/compute": { file: "compute.html", content_type: HTML, ...compute },
  [computePath]: { file: "compute.html", content_type: HTML, ...compute, headers: { ...compute.headers, "Cache-Control": "public, max-age=31536000, immutable" } },
  // The same page by itself: nobody may frame it, since it would take the frame for its own window.
  "/help": { file: "consent.html", content_type: HTML, headers: helpHeaders(consent.headers) },
  "/demo": { file: "demo.html", content_type: HTML, ...(await demoPage()) },
};

const LOADER_LIMIT = 3 * 1024;
const loaderSize = gzipSync(loader, { level: 9 }).length;
if (loaderSize > LOADER_LIMIT) throw new Error(`client.js is ${loaderSize} bytes gzipped; its budget is ${LOADER_LIMIT}`);

const manifest = { version: 1, routes: {} };
await mkdir(webDir, { recursive: true });
for (const [route, { body, ...entry }] of Object.entries(outputs)) {
  if (body !== undefined) await writeFile(join(webDir, entry.file), body);
  manifest.routes[route] = entry;
}
await writeFile(join(webDir, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

const trialDir = join(hostDir, "trial");
const { body: trialBody, headers: trialHeaders } = await trialPage();
const trialRoutes = { "/trial": { file: "trial.html", content_type: HTML, headers: trialHeaders } };
await mkdir(trialDir, { recursive: true });
await writeFile(join(trialDir, "trial.html"), trialBody);
await writeFile(join(trialDir, "manifest.json"), `${JSON.stringify({ version: 1, routes: trialRoutes }, null, 2)}\n`);

const tryoutDir = join(here, "../dashboard/src/disio_dashboard/tryout_files");
const tryoutRoutes = {};
await mkdir(tryoutDir, { recursive: true });
for (const [route, { body, ...entry }] of Object.entries(await tryoutFiles())) {
  await writeFile(join(tryoutDir, entry.file), body);
  tryoutRoutes[route] = entry;
}
await writeFile(join(tryoutDir, "manifest.json"), `${JSON.stringify({ version: 1, routes: tryoutRoutes, kits }, null, 2)}\n`);

const host = await bundle("engine/host.ts", { format: "esm", platform: "browser", define: runtimeSource });
await mkdir(hostDir, { recursive: true });
await writeFile(join(hostDir, "engine-host.mjs"), host);
await writeFile(join(hostDir, "kits.json"), `${JSON.stringify(kits, null, 2)}\n`);

for (const [name, text] of Object.entries({ runtime, host, loader, consent: outputs["/embed/consent"].body })) {
  console.log(`${name.padEnd(8)} ${String(text.length).padStart(7)} bytes, ${String(gzipSync(text, { level: 9 }).length).padStart(6)} gzipped`);
}
