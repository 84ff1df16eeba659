"""What the manager decides: task life cycle, splitting, which distributor gets which block, acceptance of results.

Rule: pure. No clock, no randomness, no I/O; import-linter checks it.
"""
