"""Gets the test servers this machine lacks: ``python -m tools.provision``.

Order for each: what an environment variable names, what is on PATH, what can be installed (Debian, as root; PyPI) or
built (FerretDB, with Go). Never fails on a developer's machine; with CI=true what is missing at the end is a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tools import found
from tools.console import SetupError, run, say
from tools.environment import NETWORK_REMEDY
from tools.stamps import VENV

Step = tuple[str, Callable[[], "found.Found | None"], Callable[[], None]]

GO_REMEDY = "install Go 1.22 or newer, or set DISIO_TEST_MONGODB_URI"
VENV_REMEDY = "install the venv module (Debian: apt-get install python3-venv)"
APT_REMEDY = "install it yourself, or run as root on Debian"


def main() -> int:
    """Provide what can be provided and say what the tests will use."""
    steps: list[Step] = [
        ("mongodb-protocol", found.mongodb, build_ferretdb),
        ("redis", found.redis, lambda: apt_install("redis-server")),
        ("chromium", found.chromium, lambda: apt_install("chromium", "fonts-liberation")),
        ("faketime", found.faketime, lambda: apt_install("faketime")),
        ("bubblewrap", found.bubblewrap, lambda: apt_install("bubblewrap")),
        ("schemathesis", found.schemathesis, install_schemathesis),
    ]
    missing = [name for name, look, provide in steps if _ensure(name, look, provide) is None]
    return 1 if missing and os.environ.get("CI", "").lower() in {"true", "1"} else 0


def _ensure(name: str, look: Callable[[], found.Found | None], provide: Callable[[], None]) -> found.Found | None:
    known = look()
    if known is None:
        try:
            provide()
            known = look()
        except SetupError as problem:
            say(f"{name}: {problem}")
    say(f"{name}: {known or 'MISSING, its tests cannot run'}")
    return known


def apt_install(*packages: str) -> None:
    """Install Debian packages, refreshing the package lists only when they lack one.

    Raises:
        SetupError: not root, not Debian, or apt-get failed.
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"{packages[0]} is not on PATH", APT_REMEDY)
    say(f"apt-get install {' '.join(packages)}")
    # RUNLEVEL=1 keeps a freshly installed server from being started by its package.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    try:
        run(install, APT_REMEDY, env=env)
    except SetupError:
        run(["apt-get", "update", "-q"], APT_REMEDY, env=env)
        run(install, APT_REMEDY, env=env)


def build_ferretdb() -> None:
    """Build FerretDB into the user's cache, where every checkout with the same source finds it.

    Raises:
        SetupError: there is no Go, or the build failed.
    """
    go = shutil.which("go")
    if go is None:
        raise SetupError("neither mongod nor Go is on PATH", GO_REMEDY)
    binary = found.ferretdb_binary()
    binary.parent.mkdir(parents=True, exist_ok=True)
    say("building FerretDB (the first time takes some minutes)")
    fresh = Path(f"{binary}.{os.getpid()}")
    flags = ["-mod=readonly", "-trimpath", "-ldflags=-s -w"]
    run([go, "build", *flags, "-o", str(fresh), "."], GO_REMEDY, cwd=found.FERRETDB_SOURCE)
    fresh.replace(binary)


def install_schemathesis() -> None:
    """Install the locked environment of the fuzzer into the user's cache.

    Raises:
        SetupError: it cannot be made or filled.
    """
    final = found.fuzz_environment()
    say("installing schemathesis into an environment of its own")
    try:
        # Not a copy that is moved: programs of an environment name its path.
        run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(final)], VENV_REMEDY)
        uv = [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", str(final / "bin" / "python")]
        run([*uv, "--require-hashes", "-r", str(found.FUZZ_LOCK)], NETWORK_REMEDY)
    except SetupError:
        shutil.rmtree(final, ignore_errors=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
