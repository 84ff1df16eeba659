"""People: who may do what, how they prove who they are, and what they did.

Rule: passwords and secrets are never stored, logged or shown; what is kept is a hash that leads to neither.
"""
