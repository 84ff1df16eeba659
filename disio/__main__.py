"""The ``disio`` command, and ``python -m disio``.

Rule: nothing is imported here before Ctrl-C is seen to.
"""

import os
import sys


def main() -> None:
    """Run the command line."""
    try:
        from disio_shared.starting import Importing

        with Importing():
            from disio import front

            if sys.stdout is not None and front.answer(sys.argv[1:], os.environ, sys.stdout):  # None: as with >&-
                return
            from disio import cli
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
