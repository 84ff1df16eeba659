"""The ``disio`` command, and ``python -m disio``.

Rule: nothing is imported here before Ctrl-C is seen to.
"""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from disio_shared.starting import Importing

        with Importing():
            from disio import cli
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
