"""The Python environment in .venv: created, filled from requirements.lock by hash, members installed editable.

Nothing outside the lock is ever installed: the build backend and the installer are in it too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.console import SetupError, run, say
from tools.stamps import ROOT, VENV, digest, forget, is_done, mark_done

PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
MEMBERS = ("shared", "manager", "distributor", "dashboard", "client_cli", ".")
PROBE_TIMEOUT_S = 30
NETWORK_REMEDY = "look at the lines above; when they name the network, check it and run the same command again"


def make_environment() -> None:
    """Bring .venv to what the lock says; a no-op in milliseconds when it is there already."""
    _make_venv()
    projects = [ROOT / member / "pyproject.toml" for member in MEMBERS]
    wanted = digest([LOCK, *projects], sys.version, str(ROOT))
    if is_done("packages", wanted):
        return
    forget("packages")
    say("installing the locked packages into .venv")
    editable = [word for member in MEMBERS for word in ("-e", f"./{member}")]
    install("-r", str(LOCK), "--require-hashes")
    install("--no-deps", "--no-build-isolation", *editable)
    mark_done("packages", wanted)


def install(*words: str) -> None:
    """Install into .venv with uv, or with pip where uv cannot be used (no wheel, or an index only pip knows)."""
    if _has_uv():
        try:
            uv = [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--compile-bytecode", "--python", str(PYTHON)]
            run([*uv, *words], NETWORK_REMEDY, ROOT)
            return
        except SetupError:
            say("uv could not do it; trying again with pip, which takes longer")
    run([*_pip(), "install", "-q", *words], NETWORK_REMEDY, ROOT)


def _make_venv() -> None:
    if _works():
        return
    say("creating .venv")
    forget("packages")
    remedy = "install the venv module (Debian: apt-get install python3-venv)"
    run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)], remedy)
    if not _works():
        raise SetupError(f"{PYTHON} does not start", "delete .venv and run the same command again")


def _works() -> bool:
    test = [str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(test, timeout=PROBE_TIMEOUT_S, capture_output=True, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _has_uv() -> bool:
    pinned = locked("uv")
    uv = VENV / "bin" / "uv"
    if uv.is_file() and pinned.split()[0].removeprefix("uv==") in _version_of(uv):
        return True
    only_uv = VENV / "uv.lock.txt"
    only_uv.write_text(pinned)
    try:
        run([*_pip(), "install", "-q", "--require-hashes", "-r", str(only_uv)], NETWORK_REMEDY)
    except SetupError as problem:
        say(f"no uv ({problem})")
        return False
    return True


def locked(package: str) -> str:
    """The lock's lines about one package: its version and hashes."""
    found = re.search(rf"^{package}==[^\n]*(\n    [^\n]*)*\n", LOCK.read_text(), re.MULTILINE)
    if found is None:
        raise SetupError(f"requirements.lock does not hold {package}", "run `make lock` where uv is installed")
    return found.group()


def _version_of(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    return done.stdout


def _pip() -> list[str]:
    """The pip that fills .venv: its own, this interpreter's, or one that ensurepip unpacks."""
    for interpreter in (str(PYTHON), sys.executable):
        if _has_pip(interpreter):
            return [interpreter, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    run([str(PYTHON), "-m", "ensurepip"], "install pip (Debian: apt-get install python3-pip)")
    return [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]


def _has_pip(interpreter: str) -> bool:
    probe = [interpreter, "-c", "import pip"]
    return subprocess.run(probe, capture_output=True, timeout=PROBE_TIMEOUT_S, check=False).returncode == 0


def remove() -> None:
    """Delete the environment and every stamp in it."""
    shutil.rmtree(VENV, ignore_errors=True)
