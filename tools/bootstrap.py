"""Sets this checkout up: Python environment, then web bundles. Run as ``python3 -m tools.bootstrap`` from the root.

Safe to run at any time: what is up to date costs milliseconds, what was interrupted is repeated.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Set everything up; 0 when all is there, 1 with one line on stderr when not."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file must start on older ones to say so
        have = ".".join(map(str, sys.version_info[:2]))
        print(
            f"setup: Python {have} is too old: install 3.11 or newer, or run `make PYTHON=python3.11 ...`",
            file=sys.stderr,
        )
        return 1
    from tools.console import SetupError

    try:
        _set_up("--rebuild-web" in sys.argv[1:])
    except SetupError as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; the next run goes on from here", file=sys.stderr)
        return 130
    return 0


def _set_up(rebuild_web: bool) -> None:
    import fcntl

    from tools.environment import make_environment
    from tools.stamps import ROOT
    from tools.web import build_bundles

    # Two set-ups at once would write over each other; the lock goes with the process, however it ends.
    checkout = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(checkout, fcntl.LOCK_EX)
        make_environment()
        build_bundles(again=rebuild_web)
    finally:
        os.close(checkout)


if __name__ == "__main__":
    sys.exit(main())
