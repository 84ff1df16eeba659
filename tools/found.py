"""Which real servers, browser and tools the tests can use on this machine, and where each comes from.

Looks only; `provision` is what installs and builds.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FERRETDB_SOURCE = ROOT / "tests" / "services" / "ferretdb"
FERRETDB_VERSION = "1.24"
FUZZ_LOCK = ROOT / "requirements-fuzz.lock"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
VERSION_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Found:
    """One service the tests can use: a URL somebody gave, or a program to start."""

    kind: str  # ferretdb, mongod, redis-server, chromium, faketime, or the environment variable that named the URL
    version: str
    path: str | None = None
    url: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.version}".strip()


def cache_dir() -> Path:
    """Where built test servers are kept between checkouts: outside the tree, in the user's cache."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "disio-tests"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "disio-tests"


def ferretdb_binary() -> Path:
    """The path a build of the present source has: another source is another path."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go", "serialise.go"):
        digest.update((FERRETDB_SOURCE / name).read_bytes())
    return cache_dir() / f"ferretdb-{digest.hexdigest()[:16]}" / "ferretdb"


def mongodb() -> Found | None:
    """A server that speaks MongoDB's protocol."""
    url = os.environ.get("DISIO_TEST_MONGODB_URI")
    if url:
        return Found("DISIO_TEST_MONGODB_URI", "", url=url)
    path = shutil.which("mongod")
    if path:
        return Found("mongod", _version(path), path=path)
    binary = ferretdb_binary()
    return Found("ferretdb", FERRETDB_VERSION, path=str(binary)) if os.access(binary, os.X_OK) else None


def redis() -> Found | None:
    """A Redis server."""
    url = os.environ.get("DISIO_TEST_REDIS_URL")
    return Found("DISIO_TEST_REDIS_URL", "", url=url) if url else redis_program()


def redis_program() -> Found | None:
    """A redis-server the tests may stop and start again."""
    path = shutil.which("redis-server")
    return Found("redis-server", _version(path), path=path) if path else None


def chromium() -> Found | None:
    """A Chromium the browser tests can drive."""
    for name in CHROMIUM_NAMES:
        path = shutil.which(name)
        if path:
            return Found("chromium", _version(path), path=path)
    return None


def faketime() -> Found | None:
    """The library that gives a process a wall clock of its own; its path is the library's."""
    program = shutil.which("faketime")
    known = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")) if program else []
    return Found("faketime", _version(program), path=str(known[0])) if program and known else None


def bubblewrap() -> Found | None:
    """The strongest walls that native Python units can have; whether they stand here is found by trial."""
    program = shutil.which("bwrap")
    return Found("bubblewrap", _version(program), path=program) if program else None


def fuzz_environment() -> Path:
    """The path that an environment with the present lock has, for this Python: another lock is another path."""
    version = ".".join(map(str, sys.version_info[:3]))
    return cache_dir() / f"fuzz-{version}-{hashlib.sha256(FUZZ_LOCK.read_bytes()).hexdigest()[:16]}"


def schemathesis() -> Found | None:
    """The program that calls operations by their OpenAPI document: ``st``, which on PATH may be something else."""
    path = os.environ.get("DISIO_TEST_SCHEMATHESIS") or str(fuzz_environment() / "bin" / "st")
    return Found("schemathesis", _version(path), path=path) if os.access(path, os.X_OK) else None


@functools.cache
def _version(path: str) -> str:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    return found.group() if found else ""
