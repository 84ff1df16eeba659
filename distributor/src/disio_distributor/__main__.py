"""``python -m disio_distributor``.

Rule: nothing but the call of the command.
"""

from disio_distributor.cli import distributor

if __name__ == "__main__":
    distributor(prog_name="distributor")
