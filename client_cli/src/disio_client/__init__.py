"""A client of a disio distributor for any machine: it runs work units in engine processes, one per core.

Rule: units never run in this process.
"""

__version__ = "0.1.0"
