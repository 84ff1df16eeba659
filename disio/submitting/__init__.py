"""What ``disio submit`` does: makes a task of what lies in a directory, follows it, writes what comes back.

Rule: ``document``, ``naming`` and ``gaps`` only decide; the other modules read, send, wait and write.
"""
