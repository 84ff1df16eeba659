"""Results on their way from a manager into files.

Rule: a file is there when it is whole; until then it lies under another name, with a note of how far it is.
"""
