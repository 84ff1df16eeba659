"""Listening on the first free port from a preferred one.

Rule: the port is bound before it is announced; nobody probes a port and hopes that it stays free.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator

from disio_shared.errors import ConfigError

TRIES = 100
"""Ports tried from the preferred one on."""
BACKLOG = 512
_TAKEN = (errno.EADDRINUSE, errno.EACCES)  # Windows answers EACCES for a port that is exclusively in use


def candidates(preferred: int) -> Iterator[int]:
    """Yield ports to try: 0 (= any) alone, else ``preferred`` and the following ones."""
    yield from (preferred,) if preferred == 0 else range(preferred, min(preferred + TRIES, 65_536))


def listen(host: str, preferred: int) -> socket.socket:
    """Return a listening, non-blocking TCP socket; its real port is ``port_of(it)``.

    Args:
        host: Name or address to bind.
        preferred: First port to try; 0 = any free one.

    Raises:
        ConfigError: The address is not this machine's, or no port is free.
    """
    family, address = _resolve(host)
    for port in candidates(preferred):
        with contextlib.suppress(_Taken):
            return _bind(family, address, port)
    raise ConfigError("port", f"no free port from {preferred} on at {host}", "give another one with --port")


def port_of(listening: socket.socket) -> int:
    """Return the port a socket is bound to."""
    port: int = listening.getsockname()[1]
    return port


def url_of(host: str, port: int) -> str:
    """Return the URL under which this machine reaches a service bound to ``host``."""
    shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown and not shown.startswith("[") else f"http://{shown}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach what is bound to ``host``."""
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(str(entry[4][0]).startswith("127.") or entry[4][0] == "::1" for entry in found)


class _Taken(Exception):
    pass


def _resolve(host: str) -> tuple[int, str]:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or "0.0.0.0", None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ConfigError("host", f"{host!r} is no address: {error}") from error
    return family, str(address[0])


def _bind(family: int, address: str, port: int) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there the option would let two processes share one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)  # on Linux only this tells that the port is taken
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno in _TAKEN:
            raise _Taken from error
        raise ConfigError("host", f"cannot bind {address} port {port}: {error.strerror}") from error
    return listening
