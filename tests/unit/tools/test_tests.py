"""How the statuses of the two runs of pytest become one."""

import pytest

from tools.tests import NOTHING_CHOSEN, status

NONE = NOTHING_CHOSEN


@pytest.mark.parametrize(
    ("codes", "joined"),
    [([0, 0], 0), ([1, 0], 1), ([0, 1], 1), ([2, 1], 2), ([NONE, 0], 0), ([0, NONE], 0), ([NONE, 1], 1)],
)
def test_one_failure_fails_all_and_only_nothing_at_all_is_nothing(codes: list[int], joined: int) -> None:
    assert status(codes) == joined
    assert status([NONE, NONE]) == NONE
