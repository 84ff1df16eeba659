# ruff: noqa: E501 - attempts are one line each
"""Python units that try to get out of Pyodide: to JavaScript, the network, files, processes, and the proxies between."""

from .cases import Case

FRAME = """
%(top)s
out = {}
def attempt(name, act):
    try:
        got = act()
        out[name] = "GOT " + str(got)[:300]
    except BaseException as error:
        out[name] = "refused: " + type(error).__name__
def run(payload, unit):
    if "evil" not in payload:
        return payload["n"] * 2 + 1
    evil = payload["evil"]
    out.clear()
%(body)s
    return out
"""


def py(
    name: str, tries: dict[str, str], top: str = "", harmless: tuple[str, ...] = (), timeout_s: float = 20.0
) -> Case:
    """Return a Python case: expressions over ``evil``, by name."""
    lines = [f"    attempt({key!r}, lambda: {code})" for key, code in tries.items()]
    code = FRAME % {"top": top, "body": "\n".join(lines)}
    return Case(name, "python", code, harmless=frozenset(harmless), timeout_s=timeout_s)


IMPORT = "__import__('importlib').import_module"
PYTHON = [
    py("js", {"fetch": "__import__('js').fetch(evil['http'])", "post": "__import__('js').postMessage(1)",
              "worker": "__import__('js').Worker", "global": "__import__('js').globalThis.fetch", "self": "__import__('js').self.postMessage",
              "constructor": "__import__('js').Object.constructor('return this')()"}),
    py("pyodide-js", {"module": f"{IMPORT}('pyodide_js').loadPackage", "globals": f"{IMPORT}('pyodide_js').globals",
                      "fs": f"{IMPORT}('pyodide_js').FS.mount", "module_": f"{IMPORT}('pyodide_js')._module.HEAP8"}),
    py("run-js", {"code": f"{IMPORT}('pyodide.code').run_js('fetch(\"' + evil['http'] + '\")')",
                  "ffi": f"{IMPORT}('pyodide.ffi').to_js({{}}).constructor.constructor('return this')()",
                  "create": f"{IMPORT}('pyodide.ffi').create_proxy(print).constructor.constructor('return 1')()"}),
    py("core", {"core": f"{IMPORT}('_pyodide_core').run_js('1')", "base": f"{IMPORT}('_pyodide._core_docs').run_js('1')",
                "proxy": f"{IMPORT}('_pyodide_core').JsProxy.__new__({IMPORT}('_pyodide_core').JsProxy)"}),
    py("http", {"pyfetch": f"{IMPORT}('pyodide.http').pyfetch(evil['http']).send(None)", "open": f"{IMPORT}('pyodide.http').open_url(evil['http'])",
                "urllib": f"{IMPORT}('urllib.request').urlopen(evil['http'], timeout=1).read()",
                "client": f"{IMPORT}('http.client').HTTPConnection(evil['host'], timeout=1).request('GET', '/')"}),
    py("socket", {"tcp": f"{IMPORT}('socket').create_connection(evil['host'].split(':'), 1)",
                  "udp": f"{IMPORT}('socket').socket(2, 2).sendto(b'x', ('127.0.0.1', int(evil['udp'])))",
                  "pair": f"{IMPORT}('_socket').socket().connect(('127.0.0.1', 80))"}),
    py("packages", {"micropip": f"{IMPORT}('micropip').install('x')", "pip": f"{IMPORT}('pip').main(['install', 'x'])"}),
    py("files", {"canary": "open(evil['file'][7:]).read()", "passwd": "[line for line in open('/etc/passwd') if 'root' in line][0]",
                 "home": f"{IMPORT}('os').listdir(evil['home'])", "proc": "open('/proc/self/environ').read()", "nodefs": "open('/mnt/host').read()"}),
    py("environment", {"variable": "__import__('os').environ[evil['variable']] if 'canary' in __import__('os').environ.get(evil['variable'], '') else 1 / 0"}),
    py("processes", {"run": f"{IMPORT}('subprocess').run(['id'])", "system": "__import__('os').system('id') or 1", "fork": "__import__('os').fork()",
                     "kill": "__import__('os').kill(int(evil['pid']), 9)", "exec": "__import__('os').execv('/bin/true', ['true'])",
                     "thread": f"{IMPORT}('_thread').start_new_thread(print, ())"}, harmless=("system",)),
    py("ctypes", {"library": f"{IMPORT}('ctypes').CDLL(None).system(b'id') + 1 or 1 / 0", "memory": f"{IMPORT}('ctypes').string_at(0, 64)"}, harmless=("memory",)),
    py("frames", {"walk": "[p for p in __import__('gc').get_objects() if 'JsProxy' in type(p).__name__][0].constructor.constructor('return this')()",
                  "subclasses": "[c for c in object.__subclasses__() if c.__name__ == 'JsProxy'][0].constructor('return 1')",
                  "frame": "__import__('sys')._getframe(9).f_globals['js'].fetch"}),
    py("loop", {"call": f"{IMPORT}('asyncio').get_event_loop().call_soon(print) and {IMPORT}('pyodide.webloop').scheduleCallback.constructor('return 1')()"}),
    py("exit", {"sys": "__import__('sys').exit(0)", "os": "__import__('os')._exit.__call__ and 1 / 0"}),
    py("monkey-patching", {"json": "setattr(__import__('json'), 'dumps', lambda *a, **k: '666')", "builtins": "setattr(__import__('builtins'), 'leaked', evil)",
                           "print": "setattr(__import__('builtins'), 'print', None)"}, harmless=("json", "builtins", "print")),
]  # fmt: skip
