"""Python units run in one realm: to start an interpreter takes seconds, and there are many cases.

Rule: only what cannot tell the difference is run so; what has limits of its own, or does not load, runs alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .case import Answer, Case

FORM = "python"
ROOM = 1000
"""Indexes of one case."""
SOURCE = """SOURCES = {sources!r}
runs = {{}}

def run(payload, unit):
    at = unit.index // {room}
    if at not in runs:
        names = {{}}
        exec(compile(SOURCES[at], "workunit.py", "exec"), names)
        runs[at] = names["run"]
    return runs[at](payload, unit)
"""


def may_share(case: Case) -> bool:
    """Tell whether a case may be one of many in its realm."""
    limits = case.terms.max_result_bytes or case.terms.max_log_bytes or case.timeout_s != Case.timeout_s
    return not (limits or case.alone or case.first_index)


def joined(cases: Sequence[Case]) -> list[Case]:
    """Return the cases as they are run in one realm: with one task, one source, and indexes of their own."""
    source = SOURCE.format(sources=[case.sources[FORM] for case in cases], room=ROOM)
    shared = Case("many units", {FORM: source})
    return [
        replace(case, name=shared.name, sources=shared.sources, terms=shared.terms, first_index=at * ROOM)
        for at, case in enumerate(cases)
    ]


def moved_back(answer: Answer, first_index: int) -> Answer:
    """Return the answer with the indexes that the case alone has."""
    return replace(answer, outcomes={at - first_index: outcome for at, outcome in answer.outcomes.items()})
