"""Where the manager keeps everything that must last.

Rule: one contract suite runs over every store; ``open_store`` is the only place that knows which URL means which.
"""
