"""The import contracts of pyproject.toml catch what they forbid: shown by planting it in a copy of the packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.stamps import ROOT

SOURCES = ("shared/src", "manager/src", "distributor/src", "dashboard/src", "client_cli/src")
PLANTS = [
    ("manager/src/disio_manager/core/planted.py", "import time", "Cores do no I/O"),
    ("distributor/src/disio_distributor/core/planted.py", "from os import environ", "Cores do no I/O"),
    ("shared/src/disio_shared/values.py", "import random", "Cores do no I/O"),
    ("dashboard/src/disio_dashboard/planted.py", "import disio_manager.core", "Services meet only in shared"),
    ("shared/src/disio_shared/planted.py", "import disio_client.session", "Imports point down"),
    ("client_cli/src/disio_client/planted.py", "import disio.cli", "Imports point down"),
]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the contracts, to be spoilt."""
    copy = tmp_path_factory.mktemp("planted")
    for source in SOURCES:
        shutil.copytree(ROOT / source, copy / source, ignore=shutil.ignore_patterns("static", "__pycache__"))
    shutil.copytree(ROOT / "disio", copy / "disio", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.mark.parametrize(("path", "line", "contract"), PLANTS, ids=[plant[1] for plant in PLANTS])
def test_a_planted_import_breaks_its_contract(copied: Path, path: str, line: str, contract: str) -> None:
    planted = copied / path
    before = planted.read_bytes() if planted.exists() else None
    planted.write_bytes((before or b"") + f"\n{line}\n".encode())
    try:
        report = _lint(copied)
    finally:
        planted.unlink() if before is None else planted.write_bytes(before)
    assert f"{contract}" in report
    assert [text for text in report.splitlines() if text.startswith(contract) and text.endswith("BROKEN")], report


def _lint(folder: Path) -> str:
    paths = os.pathsep.join([str(folder), *(str(folder / source) for source in SOURCES)])
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-cache"], cwd=folder, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    return done.stdout
