"""Every conformance unit in every form and every client: the right answer, and the same one everywhere."""

from __future__ import annotations

import pytest

from disio_shared.values import decode_value

from .answers import Answers
from .case import FAILED, Answer, Case, Ending, canonical, difference
from .conftest import CLIENTS, places

Place = tuple[Case, str, str]
# An answer waits for those before it in its client.
pytestmark = pytest.mark.timeout(600)


async def test_the_answer_is_right(place: Place, answers: Answers) -> None:
    case, form, runner = place
    answer = await answers.of(runner, case.name, form)
    assert not _differences(case, form, runner, answer)
    assert answer.works_on, "the client did not run a plain unit after this one"


async def test_all_clients_agree(case: Case, answers: Answers) -> None:
    given = {(form, runner): await answers.of(runner, case.name, form) for form, runner in places(case)}
    for form in case.sources:
        seen = {
            runner: _comparable(case, answer)
            for (of, runner), answer in given.items()
            if of == form and runner in CLIENTS
        }
        assert len(set(seen.values())) <= 1, seen
    alike = {place: _meaning(answer) for place, answer in given.items() if not case.differs.keys() & {*place}}
    assert len(set(alike.values())) <= 1, alike


def _differences(case: Case, form: str, runner: str, answer: Answer) -> list[str]:
    expected = case.expected_of(form, runner)
    if runner == "wasmtime":
        expected = [Ending(FAILED) if isinstance(right, Ending) else right for right in expected]
    outcomes = [
        f"{index}: {text}"
        for index, right in zip(case.indexes, expected, strict=True)
        if (text := difference(right, answer.outcomes.get(index)))
    ]
    notes: list[tuple[str, object, object]] = []
    if case.states is not None:
        notes.append(("states", [*map(canonical, case.states)], [canonical(decode_value(s)) for s in answer.states]))
    if case.progress is not None:
        notes.append(("progress", case.progress, answer.progress))
    if form in case.logs and runner != "wasmtime":
        notes.append(("logs", case.logs[form], answer.logs))
    return outcomes + [f"{what}: expected {right}, got {seen}" for what, right, seen in notes if right != seen]


def _comparable(case: Case, answer: Answer) -> str:
    """Return what engines must agree on: values byte by byte, endings by kind (clients tell them in their words)."""
    parts = [f"{at}: {_bytes_of(outcome)}" for at, outcome in sorted(answer.outcomes.items())]
    # Of progress that comes quickly some is left out: how much depends on the machine.
    progress = answer.progress if case.progress is not None else []
    return "\n".join([*parts, *map(repr, answer.states), repr(progress), repr(answer.logs)])


def _bytes_of(outcome: bytes | Ending) -> str:
    return outcome.kind if isinstance(outcome, Ending) else outcome.hex()


def _meaning(answer: Answer) -> str:
    """Return what languages must agree on: equal values, and which payloads have none."""
    return "\n".join(f"{at}: {_value_of(outcome)}" for at, outcome in sorted(answer.outcomes.items()))


def _value_of(outcome: bytes | Ending) -> str:
    return "an ending" if isinstance(outcome, Ending) else canonical(decode_value(outcome))
