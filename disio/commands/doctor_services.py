"""Checks of the services of this machine: their data directory, SQLite, whether they answer, their ports.

Rule: a service that does not run is no failure; one that runs and does not answer is.
"""

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import apsw

from disio.commands.doctor_machine import FAIL, OK, WARN, Check, guarded
from disio_shared.datadir import DataDir

SERVICES = ("manager", "distributor", "dashboard")
PORTS = (8700, 8701, 8710, 8720)
ANSWER_S = 4.0
LEAST_FREE_MB = 1024
MB = 1 << 20

Facts = Mapping[str, Any]


async def checks(place: Path) -> AsyncIterator[Check]:
    """Make the checks of what is kept in, and runs on, a data directory."""
    folder = data_folder(place)
    yield folder
    yield sqlite(_nearest(place) if folder.status != FAIL else Path(tempfile.gettempdir()))
    running = {name: facts for name in SERVICES if (facts := _running(place, name)) is not None}
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        for name in SERVICES:
            yield await guarded(name, _service(http, name, running.get(name)))
    yield ports([port for port in PORTS if _is_taken(port)], _own_ports(running.values()))


def data_folder(place: Path) -> Check:
    """Judge whether services can keep their data there; makes nothing."""
    nearest = _nearest(place)
    if not os.path.isdir(nearest) or not os.access(nearest, os.W_OK | os.X_OK):
        return Check("data directory", FAIL, f"{place} cannot be written", "choose another with --data-dir")
    free_mb = shutil.disk_usage(nearest).free // MB
    text = f"{place}, {free_mb:,} MB free" + ("" if os.path.exists(place) else ", will be made")
    if free_mb < LEAST_FREE_MB:
        return Check("data directory", WARN, text, "make room, or choose another with --data-dir")
    return Check("data directory", OK, text)


def sqlite(folder: Path) -> Check:
    """Judge SQLite, with a database in a folder of its own there."""
    build = f"SQLite {apsw.sqlite_lib_version()} by APSW {apsw.apsw_version()}"
    try:
        with tempfile.TemporaryDirectory(prefix=".disio-doctor-", dir=folder) as own:
            connection = apsw.Connection(str(Path(own) / "try.db"))
            try:
                mode = connection.pragma("journal_mode", "wal")
                connection.execute("CREATE TABLE t (n); INSERT INTO t VALUES (1)")
            finally:
                connection.close()
    except (apsw.Error, OSError) as error:
        return Check("sqlite", FAIL, f"{build} does not work in {folder}: {error}", "use a directory on a local disk")
    if mode != "wal":
        return Check("sqlite", FAIL, f"{build} has no write-ahead log in {folder}", "use a directory on a local disk")
    return Check("sqlite", OK, build)


async def _service(http: aiohttp.ClientSession, name: str, facts: Facts | None) -> Check:
    if facts is None:
        return Check(name, OK, "does not run on this data directory")
    url, who = facts.get("url"), f"{facts.get('url')} (pid {facts['pid']})"
    try:
        async with http.get(f"{url}/readyz") as answer:
            is_ready = answer.status == 200
        cluster = await _cluster(http, str(url)) if name == "manager" else ""
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        problem = f"{who} runs but does not answer: {error or 'no answer'}"
        return Check(name, FAIL, problem, f"look at its log, and start it again: disio {name} start")
    if not is_ready:
        return Check(name, WARN, f"{who} answers, but is not ready", "look at its log")
    return Check(name, OK, f"{who} answers{cluster}")


async def _cluster(http: aiohttp.ClientSession, url: str) -> str:
    """Return which cluster a manager is of: what ``--trust-native`` takes."""
    async with http.get(f"{url}/api/link") as answer:
        link = await answer.json() if answer.status == 200 else {}
    return f", cluster {link['cluster']}" if isinstance(link, dict) and "cluster" in link else ""


def ports(taken: list[int], own: set[int]) -> Check:
    """Judge the usual ports."""
    strange = [port for port in taken if port not in own]
    if not strange:
        used = f" ({', '.join(map(str, taken))} by disio)" if taken else ""
        return Check("ports", OK, f"{', '.join(map(str, PORTS))} are free or disio's own{used}")
    are = "is" if len(strange) == 1 else "are"
    remedy = "nothing: services take the next free port and tell it in their ready line; --port names another"
    return Check("ports", WARN, f"{', '.join(map(str, strange))} {are} taken by another program", remedy)


def _own_ports(running: Any) -> set[int]:
    own = set()
    for facts in running:
        with contextlib.suppress(ValueError):
            own.add(int(str(facts.get("url", "")).rpartition(":")[2]))
        if isinstance(facts.get("zmq_port"), int):
            own.add(facts["zmq_port"])
    return own


def _running(place: Path, name: str) -> Facts | None:
    return DataDir(place).read_service(name) if os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK) else None


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return True
    return False


def _nearest(place: Path) -> Path:
    """Return the place, or the nearest folder above it that is there."""
    return next((folder for folder in (place, *place.parents) if os.path.exists(folder)), place)
