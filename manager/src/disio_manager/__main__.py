"""``python -m disio_manager start``.

Rule: the same command as ``disio manager``.
"""

from disio_manager.cli import manager

if __name__ == "__main__":
    manager(prog_name="disio manager")
