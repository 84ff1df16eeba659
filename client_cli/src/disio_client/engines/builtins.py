"""The modules that are part of Deno itself, and the import map that takes them from units.

Rule: complete for the Deno that is installed; a test asks Deno for its list. Importing one of these takes no
permission, and some write to the standard output of the engine, where a unit could speak in its name.
"""

import json

_NAMES = """
_http_agent _http_common _http_incoming _http_outgoing _http_server _stream_duplex _stream_passthrough _stream_readable
_stream_transform _stream_wrap _stream_writable _tls_common _tls_wrap assert assert/strict async_hooks buffer
child_process cluster console constants crypto dgram diagnostics_channel dns dns/promises domain events ffi fs
fs/promises http http2 https inspector inspector/promises module net os path path/posix path/win32 perf_hooks process
punycode querystring quic readline readline/promises repl sea sqlite stream stream/consumers stream/iter
stream/promises stream/web string_decoder sys test test/reporters timers timers/promises tls trace_events tty url util
util/types v8 vm wasi worker_threads zlib zlib/iter
"""
NAMES = tuple(_NAMES.split())
NOWHERE = "blocked:"
"""A scheme that nothing is loaded from."""


def import_map() -> str:
    """Return the URL of an import map in which every built-in module leads nowhere.

    Deno looks a specifier up after it has parsed it, so that no other spelling of a name is left.
    """
    imports = {f"node:{name}": NOWHERE + name for name in NAMES}
    return "data:application/json," + json.dumps({"imports": imports}, separators=(",", ":"))
