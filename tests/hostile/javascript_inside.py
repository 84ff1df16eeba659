# ruff: noqa: E501 - attempts are one line each
"""JavaScript units that turn on their own realm: code from text, the unit runtime, other units, the engine itself."""

from .javascript import each, js, names

TEXT = "'fetch(`' + http + '`)'"
FORGED = "{type: 'done', token: 't-1', indexes: [0, 1, 2, 3], values: [0, 1, 2, 3].map(() => new TextEncoder().encode('666')), seconds: [0, 0, 0, 0]}"
KINDS = ["function () {}", "async function () {}", "function* () {}", "async function* () {}"]
BOMB_MB = 3000

INSIDE = [
    js("function-constructors", "\n".join([
        *(each({f"constructor {n}": f"return ({kind}).constructor({TEXT})()"}) for n, kind in enumerate(KINDS)),
        each({"arrow": f"return (() => 1).constructor({TEXT})()", "method": f"return [].map.constructor({TEXT})()",
              "prototype": f"return Object.getPrototypeOf(Object.getPrototypeOf(async () => 1)).constructor({TEXT})()",
              "reflect": f"return Reflect.construct(Object.getPrototypeOf(function () {{}}).constructor, [{TEXT}])()",
              "bound": f"return (class {{}}).bind().constructor({TEXT})()", "unit": f"return unit.log.constructor({TEXT})()",
              "native": f"return fetch.constructor({TEXT})()"}),
    ])),
    js("eval", each({"direct": f"return eval({TEXT})", "indirect": f"return (0, globalThis['ev' + 'al'])({TEXT})",
                     "deep": f"return deep('eval')({TEXT})", "name": f"return new Function({TEXT})()"})),
    js("timer-text", each({"timeout": f"return setTimeout({TEXT})", "interval": f"return setInterval({TEXT}, 1)",
                           "deep": f"return Object.getPrototypeOf(globalThis).setTimeout({TEXT})",
                           "object": f"return setTimeout({{toString: () => {TEXT}}})"})),
    js("call-sites", """
        Error.prepareStackTrace = (error, sites) => sites;
        const sites = [...new Error("x").stack, ...(() => { try { null.x } catch (e) { return e.stack } })()];
        const found = sites.flatMap((s) => [s.getThis(), s.getFunction && s.getFunction()]).filter((x) => x && x !== globalThis && x !== run);
        const strange = found.filter((x) => typeof x === "function" && !/attempt|sites/.test(String(x)));
        for (const f of strange) { try { await f.constructor("return this")().fetch(http) } catch {} }
        out.functions = strange.length > 0 ? "GOT " + strange.map(String) : "refused: none";"""),
    js("callers", each({"caller": "function f() { return f.caller } if (f()) return f(); throw new TypeError()",
                        "callee": "return (function () { return arguments.callee.caller })()"})),
    js("stack-text", "out.stack = 'GOT ' + new Error('where am I').stack", harmless=("stack",)),
    js("pollute-json", "JSON.stringify = () => '666'; JSON.parse = () => ({n: 332}); out.done = 'refused: -'"),
    js("pollute-promise", """
        const then = Promise.prototype.then;
        Promise.prototype.then = function (yes, no) { return then.call(this, () => yes(new TextEncoder().encode("666")), no) };
        Promise.resolve = () => 666; Object.defineProperty(Promise, Symbol.species, {value: class {}}); out.done = "refused: -";"""),
    js("pollute-iterators", """
        Array.prototype[Symbol.iterator] = function* () { yield 666 };
        Map.prototype[Symbol.iterator] = Map.prototype.get = () => 666; out.done = "refused: -";"""),
    js("pollute-ports", f"""
        const ports = [];
        MessagePort.prototype.postMessage = function () {{ ports.push(this) }};
        Object.defineProperty(MessagePort.prototype, "onmessage", {{set() {{ ports.push(this) }}}});
        unit.progress(0.5); unit.saveState(1);
        for (const port of ports) port.postMessage({FORGED});
        out.ports = ports.length > 0 ? "GOT a port" : "refused: none";"""),
    js("pollute-arrays", """
        for (const at of [0, 1, 2, 3]) Object.defineProperty(Array.prototype, at, {set(v) { leaked.push(v) }, get() { return 666 }, configurable: true});
        Array.prototype.push = Array.prototype.map = Array.prototype.concat = function () { leaked.push(this); return [666] };
        out.done = "refused: -";""", top="globalThis.leaked = [];"),
    js("pollute-objects", """
        for (const key of ["token", "indexes", "values", "type", "get", "set", "then_"])
          Object.defineProperty(Object.prototype, key, {get() { return undefined }, set(v) { globalThis.leaked = v }, configurable: true});
        out.done = "refused: -";"""),
    js("pollute-bytes", """
        const forged = new TextEncoder().encode("666");
        TextEncoder.prototype.encode = () => forged; TextDecoder.prototype.decode = () => '{"n":332}';
        Uint8Array.prototype.set = Uint8Array.prototype.slice = Uint8Array.prototype.subarray = () => forged;
        Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), "length", {get: () => 3}); out.done = "refused: -";"""),
    js("pollute-functions", """
        Function.prototype.call = Function.prototype.apply = Function.prototype.bind = Reflect.apply = () => 666;
        performance.now = Date.now = () => NaN; Object.defineProperty = Object.keys = () => []; out.done = "refused: -";"""),
    js("pollute-events", f"""
        Object.defineProperty(MessageEvent.prototype, "data", {{get() {{
          globalThis.leaked = this.target; this.target.postMessage({FORGED});
          return {{type: "run", token: "t-1", indexes: [0], payloads: [new TextEncoder().encode("666")], states: {{}}}};
        }}}});
        out.done = "refused: -";"""),
    js("pollute-instanceof", """
        for (const kind of [Uint8Array, ArrayBuffer, Error, RangeError, Map, Set, Promise])
          try { Object.defineProperty(kind, Symbol.hasInstance, {value: () => true}) } catch {}
        out.done = "refused: -";"""),
    js("post-message", each({"global": f"postMessage({FORGED}); return 1", "deep": f"deep('postMessage').call(globalThis, {FORGED}); return 1",
                             "scope": f"DedicatedWorkerGlobalScope.prototype.postMessage.call(globalThis, {FORGED}); return 1"})),
    js("onmessage", each({"assign": "globalThis.onmessage = (e) => { leaked = e.data; e.target.postMessage(666) }; throw new TypeError()",
                          "listen": "addEventListener('message', (e) => { leaked = e.data; (e.ports[0] || e.target).postMessage(666) }); throw new TypeError()",
                          "dispatch": "const c = new MessageChannel(); dispatchEvent(new MessageEvent('message', {data: {language: 'javascript'}, ports: [c.port1]})); throw new TypeError()"}),
       top="globalThis.leaked = null;"),
    js("close", each({"global": "return close()", "deep": "return deep('close').call(globalThis)",
                      "scope": "return DedicatedWorkerGlobalScope.prototype.close.call(globalThis)"})),
    js("fake-errors", each({"error": "dispatchEvent(new ErrorEvent('error', {message: 'x'})); return 1"})),
    js("stray-errors", """
        Promise.reject(new Error("nobody's")); setTimeout(() => { throw new Error("late") }, 5);
        setInterval(() => { throw new Error("again and again") }, 1);
        (async () => { await null; throw new Error("lost") })();
        new MessageChannel().port1.postMessage(1); out.done = "refused: -";"""),
    js("globals-for-the-next", """
        globalThis.leaked = payload; Object.prototype.leaked = payload; Array.prototype.leaked = payload;
        globalThis.onStart = () => 666; console.log = () => 666; out.done = "refused: -";""", top="Object.prototype.leaked = 1;"),
    js("frozen-world", "for (const name of Reflect.ownKeys(globalThis)) try { Object.freeze(globalThis[name]?.prototype) } catch {}\nObject.freeze(Object.prototype); Object.freeze(Array.prototype); out.done = 'refused: -';", spoils=True),
    js("unit-api", """
        const kind = unit.constructor;
        await attempt("post", async () => new kind("task", "t-1", 0, undefined, {}, (note) => { leaked = note }).log("x") ?? Promise.reject(new TypeError()));
        for (const name of ["log", "saveState", "progress", "end", "random", "state", "index"])
          try { Object.defineProperty(kind.prototype, name, {value: () => 666, get: undefined}) } catch {}
        try { unit.end() } catch {}
        try { unit.index = 0 } catch {}
        await attempt("fields", async () => { const all = JSON.stringify(unit); if (all.includes("t-")) return all; throw new TypeError() });""",
       top="globalThis.leaked = null;"),
    js("flood", """
        for (let n = 0; n < 200000; n++) { unit.log("x".repeat(1000)); unit.progress(n / 200000); if (n % 100 === 0) unit.saveState("y".repeat(1000)); console.log(n) }
        out.done = "refused: -";""", timeout_s=10.0),
    js("console", """
        const trap = new Proxy({}, {get() { throw new Error("trap") }, ownKeys() { throw new Error("trap") }, getPrototypeOf() { throw new Error("trap") }});
        console.log(trap, {toString() { throw 1 }}, Symbol("x"), {get x() { return fetch(http) }});
        unit.log(trap); console.log.call.constructor; out.done = "refused: -";"""),
    js("thrown-trap", "throw new Proxy({}, {get() { throw new Error('trap') }, getPrototypeOf() { throw new Error('trap') }});"),
    js("result-trap", "return {get evil() { Object.defineProperty(this, 'evil', {value: () => 1}); return new Proxy([], {get: (t, k) => k === 'length' ? 1e9 : 1}) }};", timeout_s=1.5),
    js("structured-clone", """
        await attempt("transfer", async () => { structuredClone(payload, {transfer: [new ArrayBuffer(8)]}); throw new TypeError() });
        await attempt("port", async () => { const c = new MessageChannel(); structuredClone(c.port1, {transfer: [c.port1]}).postMessage(1); throw new TypeError() });
        await attempt("module", async () => { structuredClone(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))); throw new TypeError() });"""),
    js("wasm-side-door", each({
        "memory": "new WebAssembly.Memory({initial: 60000}); throw new TypeError()",
        "imports": "const m = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,2,7,1,1,101,1,102,0,0,8,1,0]));"
                   " const i = new WebAssembly.Instance(m, {e: {f: () => fetch(http)}}); return i",
        "text": "return new WebAssembly.Function({parameters: [], results: []}, " + TEXT + ")"})),
    js("shared-memory", each({"wait": "const b = new Int32Array(new SharedArrayBuffer(4)); return Atomics.wait(b, 0, 0, 50)",
                              "post": "const c = new MessageChannel(); c.port1.postMessage(new SharedArrayBuffer(8)); return 1"}), harmless=("wait", "post")),
    js("timing", "out.entries = 'GOT ' + JSON.stringify(performance.getEntries?.() ?? []); out.origin = 'GOT ' + performance.timeOrigin;", harmless=("entries", "origin")),
    js("other-units", """
        const seen = [];
        for (const name of Reflect.ownKeys(globalThis)) { let v; try { v = globalThis[name] } catch { continue } if (v && typeof v === "object") try { seen.push(JSON.stringify(v)) } catch {} }
        out.seen = "GOT " + seen.join(" ").slice(0, 5000);""", harmless=("seen",)),
    js("wait-for-ever", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);", timeout_s=1.0, clients=("cli",)),
    js("endless-loop", "for (;;) {}", timeout_s=1.0),
    js("endless-microtasks", "for (;;) await null;", timeout_s=1.0),
    js("endless-thenable", "return {then(yes) { yes(this) }};", timeout_s=1.0),
    js("endless-regex", "/^(a+)+$/.test('a'.repeat(60) + '!');", timeout_s=1.0),
    js("endless-wasm", "new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,8,1,0,10,9,1,7,0,3,64,12,0,11,11])));", timeout_s=1.0),
    js("huge-allocations", each({name: f"{code}; throw new TypeError()" for name, code in {
        "buffer": "new ArrayBuffer(2 ** 45)", "string": "let s = 'x'; for (;;) s += s", "bigint": "let n = 2n; for (;;) n = n ** n",
        "array": "new Array(2 ** 33)", "memory": "new WebAssembly.Memory({initial: 65536, maximum: 65536}).grow(65536)"}.items()})),
    js("stack-overflow", "const deep_ = (n) => deep_(n + 1) + 1; await attempt('depth', async () => deep_(0)); (function f() { f() })();"),
    js("heap-bomb", "const all = []; for (;;) all.push(new Array(1000).fill(all.length));", clients=("cli",), timeout_s=20.0),
    js("buffer-bomb", f"const all = []; for (let mb = 0; mb < {BOMB_MB}; mb += 50) all.push(new Uint8Array(50 << 20).fill(1));", clients=("cli",), timeout_s=20.0),
    js("clock-and-cores", names("hardwareConcurrency deviceMemory platform userAgent", "const it = deep('navigator')[name]; if (it === undefined) throw new TypeError(); return it"),
       harmless=("hardwareConcurrency", "userAgent")),
]  # fmt: skip
