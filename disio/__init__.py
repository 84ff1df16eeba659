"""disio: spread independent computations over browser tabs and any machine that runs a client.

Rule: importing this package is quick; servers and engines are imported only by the commands that run them.
"""

__version__ = "0.1.0"
