"""Demonstrations: a real task each, with a check of its results.

Rule: a demo ends with a comparison against an answer that was found another way.
"""
