"""The distributor's cache: what must survive its restart until a manager has it.

Rule: one contract suite runs over every cache; ``open_cache`` is the only place that knows which URL means which.
"""
