"""Rebuilds the lock files: `make lock`, or `make lock UPGRADE=1` for the newest versions that fit.

They hold versions and hashes for every platform and no address: where packages come from is each machine's own setting.
"""

from __future__ import annotations

import sys

from tools.console import SetupError, run, say
from tools.environment import LOCK, MEMBERS
from tools.stamps import ROOT, VENV
from tools.web import NODE_LOCK

NODE_INPUT = ROOT / "tools" / "requirements-node.in"
OURS = ("disio", "disio-shared", "disio-manager", "disio-distributor", "disio-dashboard", "disio-client")
FLAGS = (
    "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-annotate", "--quiet",
    "--custom-compile-command", "make lock",
)  # fmt: skip
REMEDY = "the lines above name the requirements that do not fit together"


def main() -> int:
    """Write both lock files; 1 with one line on stderr when a set of requirements cannot be met."""
    upgrade = ("--upgrade",) if "--upgrade" in sys.argv[1:] else ()
    uv = str(VENV / "bin" / "uv")
    members = [f"{member}/pyproject.toml" for member in MEMBERS]
    left_out = [word for name in OURS for word in ("--no-emit-package", name)]
    try:
        run(
            [uv, "pip", "compile", *members, "--group", "dev", *left_out, *FLAGS, *upgrade, "-o", LOCK.name],
            REMEDY,
            ROOT,
        )
        node = str(NODE_INPUT.relative_to(ROOT))
        run([uv, "pip", "compile", node, *FLAGS, *upgrade, "-o", NODE_LOCK.name], REMEDY, ROOT)
    except SetupError as problem:
        print(f"lock: {problem}", file=sys.stderr)
        return 1
    say(f"wrote {LOCK.name} and {NODE_LOCK.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
