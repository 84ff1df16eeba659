"""Rebuilds the lock files: `make lock`, or `make lock UPGRADE=1` for the newest versions that fit.

They hold versions and hashes for every platform and no address: where packages come from is each machine's own setting.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.console import SetupError, run, say
from tools.environment import LOCK, MEMBERS
from tools.found import FUZZ_LOCK
from tools.stamps import ROOT, VENV
from tools.web import NODE_LOCK

RUNTIME_LOCK = ROOT / "requirements-runtime.lock"  # what the container image holds: no test tools
FUZZ_INPUT = ROOT / "tools" / "requirements-fuzz.in"
NODE_INPUT = ROOT / "tools" / "requirements-node.in"
OURS = ("disio", "disio-shared", "disio-manager", "disio-distributor", "disio-dashboard", "disio-client")
FLAGS = (
    "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-annotate", "--quiet",
    "--custom-compile-command", "make lock",
)  # fmt: skip
REMEDY = "the lines above name the requirements that do not fit together"


def main() -> int:
    """Write the lock files; 1 with one line on stderr when a set of requirements cannot be met."""
    upgrade = ("--upgrade",) if "--upgrade" in sys.argv[1:] else ()
    members = [f"{member}/pyproject.toml" for member in MEMBERS]
    left_out = [word for name in OURS for word in ("--no-emit-package", name)]
    try:
        _compile([*members, "--group", "dev", *left_out, *upgrade], LOCK)
        _compile([*members, "--group", "build", *left_out, "--constraint", LOCK.name], RUNTIME_LOCK)
        _compile([str(NODE_INPUT.relative_to(ROOT)), *upgrade], NODE_LOCK)
        _compile([str(FUZZ_INPUT.relative_to(ROOT)), *upgrade], FUZZ_LOCK)
    except SetupError as problem:
        print(f"lock: {problem}", file=sys.stderr)
        return 1
    say(f"wrote {LOCK.name}, {RUNTIME_LOCK.name}, {NODE_LOCK.name} and {FUZZ_LOCK.name}")
    return 0


def _compile(words: list[str], lock: Path) -> None:
    run([str(VENV / "bin" / "uv"), "pip", "compile", *words, *FLAGS, "-o", lock.name], REMEDY, ROOT)


if __name__ == "__main__":
    sys.exit(main())
