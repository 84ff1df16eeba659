"""Where stored payloads lie: sums and fits agree with counting one by one, and chunks are exact at their borders."""

import random
from array import array
from bisect import bisect_right
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_shared.extents import ChunkExtents, Extents, FileExtents, Unmeasured, fitting_sizes

SIZES = st.lists(st.integers(0, 50), min_size=1, max_size=40)
CHUNKS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 90)), min_size=1, max_size=12)


def files(sizes: list[int]) -> FileExtents:
    return FileExtents(array("I", sizes))


def chunks(parts: list[tuple[int, int]], begin: int = 7) -> ChunkExtents:
    """Return extents of chunks of so many payloads and bytes, the first one at byte ``begin``."""
    firsts = list(accumulate((count for count, _ in parts), initial=0))
    offsets = list(accumulate((size for _, size in parts), initial=begin))
    return ChunkExtents(array("Q", firsts[:-1]), array("Q", offsets[:-1]), firsts[-1], offsets[-1])


def ends(data: st.DataObject, length: int) -> tuple[int, int]:
    start, stop = sorted(data.draw(st.integers(0, length)) for _ in range(2))
    return start, stop


def is_the_most_that_fits(extents: Extents, start: int, stop: int, limit: int) -> bool:
    number = extents.fitting(start, stop, limit)
    fits = number == 0 or extents.bytes_between(start, start + number) <= limit
    is_most = start + number == stop or extents.bytes_between(start, start + number + 1) > limit
    return 0 <= number <= stop - start and fits and is_most


@given(SIZES, st.data(), st.integers(0, 2_000))
def test_files_count_with_their_marks(sizes: list[int], data: st.DataObject, limit: int) -> None:
    extents = files(sizes)
    start, stop = ends(data, len(sizes))
    assert extents.bytes_between(start, stop) == sum(size + 1 for size in sizes[start:stop])
    assert is_the_most_that_fits(extents, start, stop, limit)


@given(CHUNKS, st.data(), st.integers(0, 1_000))
def test_chunks_are_additive_and_exact_at_their_borders(
    parts: list[tuple[int, int]], data: st.DataObject, limit: int
) -> None:
    extents = chunks(parts)
    start, stop = ends(data, len(extents))
    middle = data.draw(st.integers(start, stop))
    whole = extents.bytes_between(start, stop)
    assert whole == extents.bytes_between(start, middle) + extents.bytes_between(middle, stop)
    assert is_the_most_that_fits(extents, start, stop, limit)
    first = data.draw(st.integers(0, len(parts) - 1))
    last = data.draw(st.integers(first, len(parts)))
    borders = [*extents.firsts, len(extents)]
    assert extents.bytes_between(borders[first], borders[last]) == sum(size for _, size in parts[first:last])


@given(CHUNKS, st.data())
def test_a_payload_is_in_the_chunk_that_is_told(parts: list[tuple[int, int]], data: st.DataObject) -> None:
    extents = chunks(parts)
    index = data.draw(st.integers(0, len(extents) - 1))
    first, stop, offset, end = extents.chunk_of(index)
    assert first <= index < stop and offset <= extents.place(index) <= end
    at = bisect_right(extents.firsts, index) - 1
    assert (stop - first, end - offset) == parts[at]


def test_two_hundred_million_payloads_are_measured_in_few_steps() -> None:
    seed = random.Random(1)
    extents = chunks([(1_000, seed.randrange(50_000, 200_000)) for _ in range(200_000)])
    assert len(extents) == 200_000_000
    for _ in range(2_000):
        start = seed.randrange(len(extents) - 10_000)
        assert is_the_most_that_fits(extents, start, start + 10_000, 1 << 20)


def test_what_nobody_has_looked_at_counts_as_empty() -> None:
    assert (len(Unmeasured()), len(Unmeasured(5))) == (0, 5)
    assert Unmeasured(10**12).bytes_between(0, 10**12) == 0 and Unmeasured(9).fitting(2, 9, 0) == 7


@pytest.mark.parametrize(("limit", "number"), [(0, 0), (1, 1), (2, 1), (3, 2), (6, 3), (99, 3)])
def test_sizes_are_taken_from_the_first_on(limit: int, number: int) -> None:
    assert fitting_sizes(iter([1, 2, 3]), limit) == number
