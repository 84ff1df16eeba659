"""What the tree must not hold: oversized source files, paths of one machine, hosts of package registries."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.waiting import patient
from tools.stamps import ROOT

MOST_LINES = 400
SOURCES = {".py", ".ts", ".tsx", ".mjs", ".js", ".css", ".html", ".go", ".sql", ".lua", ".sh"}
DATA = {"requirements.lock", "requirements-runtime.lock", "requirements-node.lock", "package-lock.json", "go.sum"}
BINARY = {".png", ".jpg", ".gif", ".ico", ".wasm", ".bin", ".woff2", ".msgpack", ".webp"}
# Written in pieces, so that this file passes its own test.
MACHINE_PATHS = re.compile(
    "|".join(["/ro" + "ot/", r"/wo" + r"rk/(main|shared)", r"/ho" + r"me/[a-z]+/", "/Us" + "ers/[a-z]"])
)
REGISTRY_HOSTS = re.compile(
    "|".join(re.escape(host) for host in ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org",
                                          "proxy.golang" + ".org", "repo1.maven" + ".org", "crates" + ".io"])
)  # fmt: skip


def tracked() -> list[Path]:
    """Every file git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patient(30), check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file() and not path.is_symlink()]


def texts() -> list[tuple[str, str]]:
    """Name and text of every tracked text file."""
    files = [path for path in tracked() if path.suffix not in BINARY]
    return [(str(path.relative_to(ROOT)), path.read_text(errors="replace")) for path in files]


def test_no_source_file_is_longer_than_the_limit() -> None:
    long = {
        name: lines
        for name, text in texts()
        if Path(name).suffix in SOURCES and Path(name).name not in DATA and (lines := text.count("\n")) > MOST_LINES
    }
    assert not long


def test_no_file_names_a_path_of_one_machine() -> None:
    assert not [f"{name}: {hit.group()}" for name, text in texts() if (hit := MACHINE_PATHS.search(text))]


def test_no_file_names_a_registry_host() -> None:
    assert not [f"{name}: {hit.group()}" for name, text in texts() if (hit := REGISTRY_HOSTS.search(text))]


def test_no_built_or_installed_file_is_tracked() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=patient(30), check=True
    ).stdout
    built = re.compile(
        r"(^|/)(node_modules|\.venv|dist|__pycache__)/|^(distributor|client_cli|dashboard)/src/\w+/static/"
    )
    assert not [name for name in listed.splitlines() if built.search(name) or name == "uv.lock"]
