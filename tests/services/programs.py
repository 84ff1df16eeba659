"""How each real server is started for a test: on loopback, durable, silent."""

from __future__ import annotations

from pathlib import Path

from tests.services.process import ServerProcess, free_port
from tools.found import Found


def redis_server(found: Found, folder: Path) -> ServerProcess:
    """A Redis that syncs every write to its file, as distributors ask of it."""

    def command(port: int, folder: Path) -> list[str]:
        settings = {"bind": "127.0.0.1", "port": str(port), "dir": str(folder), "save": ""}
        settings |= {"appendonly": "yes", "appendfsync": "always"}
        return [_program(found), *(word for key, value in settings.items() for word in (f"--{key}", value))]

    port = free_port()
    return ServerProcess("redis-server", f"redis://127.0.0.1:{port}/0", port, folder, command)


def mongodb_server(found: Found, folder: Path) -> ServerProcess:
    """A mongod, or FerretDB on SQLite files; few connections, because FerretDB's updates take two each."""

    def mongod(port: int, folder: Path) -> list[str]:
        return [_program(found), "--dbpath", str(folder), "--bind_ip", "127.0.0.1", "--port", str(port), "--quiet"]

    def ferretdb(port: int, folder: Path) -> list[str]:
        return [_program(found), f"127.0.0.1:{port}", str(folder)]

    port = free_port()
    command = ferretdb if found.kind == "ferretdb" else mongod
    return ServerProcess(found.kind, f"mongodb://127.0.0.1:{port}/?maxPoolSize=20", port, folder, command)


def _program(found: Found) -> str:
    assert found.path is not None
    return found.path
