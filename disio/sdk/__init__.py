"""What ``import disio`` offers to programs: tasks, results, functions and executors.

Rule: everything here is asked for by name through the package ``disio``, which loads it on first use.
"""
