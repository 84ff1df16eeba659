"""Tasks put together from rows that a crash left half written."""

from hypothesis import given
from hypothesis import strategies as st

from disio_manager.core.records import BlockRecord
from disio_manager.stores import assembling
from disio_shared.ranges import Run


def block(start: int, stop: int, name: str = "") -> BlockRecord:
    return BlockRecord(id=name or f"b{start}-{stop}", task="t", start=start, stop=stop)


def spans(blocks: list[BlockRecord]) -> list[Run]:
    return [(one.start, one.stop) for one in blocks]


def test_right_blocks_stay_as_they_are() -> None:
    rows = [block(10, 20), block(0, 10), block(25, 30)]
    assert spans(assembling.untangle(rows, 30)) == [(0, 10), (10, 20), (25, 30)]


def test_blocks_that_were_never_granted_are_dropped() -> None:
    assert spans(assembling.untangle([block(0, 10), block(10, 20)], 10)) == [(0, 10)]


def test_a_block_whose_tail_was_cut_off_ends_where_the_tail_begins() -> None:
    assert spans(assembling.untangle([block(0, 10), block(6, 10)], 10)) == [(0, 6), (6, 10)]
    assert spans(assembling.untangle([block(0, 10), block(6, 10), block(8, 10)], 10)) == [(0, 6), (6, 8), (8, 10)]


def test_blocks_of_an_owner_before_stay_where_the_present_one_has_none() -> None:
    own, others = (
        [block(0, 10), block(20, 30)],
        [block(5, 8), block(10, 20), block(28, 35), block(30, 45), block(50, 60)],
    )
    assert spans(assembling.adopt(own, others, 40)) == [(0, 10), (10, 20), (20, 30), (30, 40)]


def test_lost_indexes_become_blocks_with_the_same_names_each_time() -> None:
    found = assembling.lost_blocks("t", [(3, 5), (7, 30)], largest=10)
    assert spans(found) == [(3, 5), (7, 17), (17, 27), (27, 30)]
    assert found == assembling.lost_blocks("t", [(3, 5), (7, 30)], largest=10)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15)), max_size=8, unique_by=lambda pair: pair[0]),
    st.sets(st.integers(0, 50), max_size=30),
    st.integers(0, 50),
)
def test_whatever_is_found_no_index_is_lost_or_twice(
    pairs: list[tuple[int, int]], closed: set[int], frontier: int
) -> None:
    blocks = assembling.untangle([block(start, start + size) for start, size in pairs], frontier)
    rows = [(index, index + 1) for index in sorted(closed) if index < frontier]
    lost = assembling.lost(assembling.gaps(blocks, 0, frontier), rows)
    places: list[int] = []
    for start, stop in [*spans(blocks), *lost]:
        assert 0 <= start < stop <= frontier
        places += range(start, stop)
    assert len(places) == len(set(places)), "an index is in two blocks"
    assert set(places) | {start for start, _ in rows} == set(range(frontier)), "an index is lost"
