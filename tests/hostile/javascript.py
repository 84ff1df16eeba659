# ruff: noqa: E501 - attempts are one line each
"""JavaScript units that try to reach what is outside of their realm: network, files, storage, the page, the host."""

from .cases import BOTH, Case, Client

FRAME = """
%(top)s
const out = {};
const attempt = async (name, act) => {
  try {
    const late = new Promise((_, no) => setTimeout(() => no(new Error("silent")), 400));
    out[name] = "GOT " + String(await Promise.race([act(), late])).slice(0, 300);
  } catch (error) {
    out[name] = "refused: " + String(error && error.name);
  }
};
/** What a value of the realm is called anywhere on the global object's prototype chain. */
const deep = (name) => {
  for (let at = globalThis; at; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return found.get ? found.get.call(globalThis) : found.value;
  }
  throw new ReferenceError(name);
};
export default async function run(payload, unit) {
  if (payload.evil === undefined) return payload.n * 2 + 1;
  const { http, https, ws, host, udp, file, home, variable } = payload.evil;
  %(body)s
  return out;
}
"""


def js(
    name: str,
    body: str,
    top: str = "",
    harmless: tuple[str, ...] = (),
    clients: tuple[Client, ...] = BOTH,
    timeout_s: float = 4.0,
    spoils: bool = False,
) -> Case:
    """Return a JavaScript case."""
    code = FRAME % {"top": top, "body": body}
    return Case(name, "javascript", code, clients, frozenset(harmless), timeout_s, spoils_its_realm=spoils)


def each(tries: dict[str, str]) -> str:
    """Return statements that make these attempts, by name."""
    return "\n".join(f"await attempt({name!r}, async () => {{ {code} }});" for name, code in tries.items())


def names(words: str, code: str) -> str:
    """Return attempts with one name of the realm each."""
    return f"for (const name of {words.split()!r}) await attempt(name, async () => {{ {code} }});"


SPAWNED = "`fetch('${http}/spawned').catch(() => 0); try { importScripts('${http}/spawned') } catch {}`"
URL_OF = "URL.createObjectURL(new Blob([%s], {type: 'text/javascript'}))"
REACH = [
    js("fetch", each({"plain": "return fetch(http)", "no-cors": "return fetch(http, {mode: 'no-cors', keepalive: true})",
                      "deep": "return deep('fetch').call(globalThis, http)", "Request": "return fetch(new Request(http))",
                      "bound": "return globalThis['fet' + 'ch'](https)"})),
    js("xmlhttprequest", each({"async": "const x = new XMLHttpRequest(); x.open('GET', http); x.send(); return x",
                               "sync": "const x = new (deep('XMLHttpRequest'))(); x.open('GET', http, false); x.send(); return x.status"})),
    js("websocket", each({"plain": "return new WebSocket(ws)", "deep": "return new (deep('WebSocket'))(ws)",
                          "stream": "return new WebSocketStream(ws).opened"})),
    js("eventsource", each({"plain": "return new EventSource(http)", "deep": "return new (deep('EventSource'))(http)"})),
    js("webtransport", each({"plain": "return new WebTransport(`https://${host}:${udp}/`).ready"})),
    js("webrtc", each({"plain": "const c = new RTCPeerConnection({iceServers: [{urls: `stun:${host}:${udp}`}]});"
                                " c.createDataChannel('x'); await c.setLocalDescription(); return c"})),
    js("beacon", each({"plain": "return navigator.sendBeacon(http, 'x')",
                       "deep": "return deep('navigator').sendBeacon(http, 'x')",
                       "prototype": "return Navigator.prototype.sendBeacon.call(navigator, http, 'x')"})),
    js("importscripts", each({"http": "importScripts(http)", "deep": "deep('importScripts')(http)",
                              "data": "importScripts('data:text/javascript,1')"})),
    js("import-remote", each({"http": "return import(http + '/x.js')", "https": "return import(https + '/x.js')",
                              "json": "return import(http + '/x.json', {with: {type: 'json'}})",
                              "ftp": "return import(`ftp://${host}/x.js`)"})),
    js("import-data", each({"fetch": "return (await import(`data:text/javascript,"
                            "export default await fetch('${http}')`)).default"})),
    js("import-blob", each({"fetch": f"return (await import({URL_OF % '`export default await fetch(${JSON.stringify(http)})`'})).default",
                            "remote": f"return import({URL_OF % '`import ${JSON.stringify(http)}`'})"})),
    js("import-file", each({"text": "return (await import(file, {with: {type: 'text'}})).default",
                            "bytes": "return (await import(file, {with: {type: 'bytes'}})).default",
                            "json": "return (await import(file, {with: {type: 'json'}})).default",
                            "script": "return import(file)",
                            "passwd": "return (await import('file:///etc/passwd', {with: {type: 'text'}})).default"})),
    js("import-node", names("fs fs/promises process os net http dgram child_process worker_threads vm module v8 inspector repl wasi",
                            "const it = await import('node:' + name); return Object.keys(it)")),
    js("import-node-with-deno-put-back", """
        globalThis.Deno = new Proxy(function () {}, {get: (t, name) => name === "then" ? undefined : globalThis.Deno, apply: () => globalThis.Deno});
        globalThis.process = globalThis.Deno;
        const frame = new Uint8Array([1, 0, 0, 0, 192]);
        await attempt("write", async () => (await import("node:fs")).writeSync(1, frame));
        await attempt("stdout", async () => (await import("node:process")).stdout.write(frame));
        await attempt("spelled", async () => (await import(" NODE:fs")).writeSync(1, frame));
        await attempt("query", async () => (await import("node:fs?1")).writeSync(1, frame));
        await attempt("inner", async () => (await import("ext:deno_node/fs.ts")).writeSync(1, frame));
        await attempt("thread", async () => new (await import("node:worker_threads")).Worker("data:text/javascript,Deno.exit()"));
        await attempt("context", async () => (await import("node:vm")).runInThisContext("1"));"""),
    js("import-packages", each({"npm": "return import('npm:left-pad')", "jsr": "return import('jsr:@std/fs')",
                                "bare": "return import('fs')"})),
    js("import-from-a-blob", each({"fs": f"return (await import({URL_OF % '''`import * as fs from 'node:fs'; export default fs.readdirSync('/')`'''})).default",
                                   "text": f"return (await import({URL_OF % '''`import t from ${JSON.stringify(file)} with {type: 'text'}; export default t`'''})).default"})),
    js("static-import-of-node", "out.fs = 'GOT ' + fs.readFileSync(file.slice(7), 'utf8')", top="import * as fs from 'node:fs';"),
    js("static-import-of-a-file", "out.text = 'GOT ' + text", top="import text from 'file:///etc/passwd' with {type: 'text'};"),
    js("worker", each({"blob": f"return new Worker({URL_OF % SPAWNED})", "deep": f"return new (deep('Worker'))({URL_OF % SPAWNED})",
                       "module": f"return new Worker({URL_OF % SPAWNED}, {{type: 'module'}})",
                       "data": "return new Worker('data:text/javascript,fetch(`' + http + '`)')",
                       "all permissions": f"return new Worker({URL_OF % SPAWNED}, {{type: 'module', deno: {{permissions: 'inherit'}}}})"})),
    js("sharedworker", each({"blob": f"return new SharedWorker({URL_OF % SPAWNED})",
                             "deep": f"return new (deep('SharedWorker'))({URL_OF % SPAWNED})"})),
    js("broadcastchannel", each({"open": "return new BroadcastChannel('disio')", "deep": "return new (deep('BroadcastChannel'))('x')"})),
    js("serviceworker", each({"register": f"return navigator.serviceWorker.register({URL_OF % SPAWNED})",
                              "deep": f"return deep('navigator').serviceWorker.register({URL_OF % SPAWNED})"})),
    js("navigator", names("storage locks gpu usb serial hid bluetooth permissions clipboard credentials connection mediaDevices "
                          "geolocation userAgentData wakeLock xr", "const it = deep('navigator')[name]; if (!it) throw new TypeError(); return it")),
    js("caches", each({"open": "return caches.open('x')", "deep": "return deep('caches').keys()"})),
    js("indexeddb", each({"open": "return indexedDB.open('x')", "deep": "return deep('indexedDB').databases()"})),
    js("localstorage", each({"local": "return JSON.stringify(localStorage)", "session": "return JSON.stringify(sessionStorage)",
                             "deep": "return JSON.stringify(deep('localStorage'))"})),
    js("cookies", each({"store": "return cookieStore.getAll()", "deep": "return deep('cookieStore').getAll()", "document": "return document.cookie"})),
    js("file-system", each({"opfs": "return deep('navigator').storage.getDirectory()",
                            "sync": "return webkitRequestFileSystemSync(0, 1000)", "deep": "return deep('webkitRequestFileSystemSync')(0, 1000)",
                            "reader": "return new FileReaderSync().readAsText(file)"})),
    js("page", names("document window parent top opener frames frameElement history", "const it = deep(name); if (it === undefined) throw new TypeError(); return it")),
    js("leaving", each({"href": "deep('location').href = http; if (location.href === http) return location.href; throw new TypeError()",
                        "assign": "return deep('location').assign(http)", "open": "return open(http)"})),
    js("fonts", each({"load": "const f = new FontFace('x', `url(${http}/x.woff)`); return f.load()",
                      "deep": "const f = new (deep('FontFace'))('x', `url(${http}/x.woff)`); deep('fonts').add(f); return f.load()"})),
    js("pictures", each({"bitmap": "return createImageBitmap(http)", "image": "const i = new Image(); i.src = http; return i",
                         "decoder": "return new ImageDecoder({data: http, type: 'image/png'}).tracks"})),
    js("wasm-from-the-network", each({"streaming": "return WebAssembly.compileStreaming(fetch(http))",
                                      "response": "return WebAssembly.instantiateStreaming(Response.redirect(http))"})),
    js("deno", each({"name": "return Object.keys(Deno)", "deep": "return Object.keys(deep('Deno'))",
                     "internal": "for (const key of Reflect.ownKeys(globalThis)) if (/deno|bootstrap/i.test(String(key))) return String(key); throw new TypeError()",
                     "read": "return Deno.readTextFileSync(file.slice(7))", "env": "return Deno.env.get(variable)",
                     "run": "return new Deno.Command('id').outputSync()"})),
    js("node", each({"env": "return JSON.stringify(process.env)", "deep": "return deep('process').env[variable]",
                     "binding": "return process.binding('fs')", "require": "return require('fs')", "global": "return global.process",
                     "Buffer": "return Buffer.from('x')", "dlopen": "return process.dlopen({exports: {}}, '/lib/libc.so.6')",
                     "kill": "return process.kill(process.ppid, 9)"})),
    js("import-meta", each({"files": "const m = import.meta; const all = [m.filename, m.dirname, m.main].filter((x) => x); if (all.length) return all; throw new TypeError()",
                            "resolve": "const at = import.meta.resolve('./x'); if (String(at).startsWith('file:')) return at; throw new TypeError()"})),
    js("source-map", "throw new Error('look me up')", top="//# sourceMappingURL=http://127.0.0.1:9/map\n"),
    js("terminal", names("alert confirm prompt print", "return deep(name)('x')")),
]  # fmt: skip
