"""``python -m disio``."""

from disio.cli import main

if __name__ == "__main__":
    main()
