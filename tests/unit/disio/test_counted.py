"""Answers that are asked for until they hold all results."""

import pytest

from disio.rest.counted import counted


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([(0, 0)], (0, 0)),
        ([(4, 5), (5, 5)], (5, 5)),
        ([(0, 5), (2, 6), (5, 9), (6, 9)], (5, 9)),
        ([(0, 5), (0, 5), (5, 5)], (0, 5)),
    ],
)
async def test_who_gets_on_is_asked_again(answers: list[tuple[int, int]], expected: tuple[int, int]) -> None:
    left = iter(answers)

    async def ask() -> dict[str, int]:
        return dict(zip(("counted", "done"), next(left), strict=True))

    found = await counted(ask)
    assert (found["counted"], found["done"]) == expected
