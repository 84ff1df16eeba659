"""Python functions through a whole disio: ``map``, executors and ``as_completed``, in the sandbox of a real client."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import disio
from tests.faces import FACES, Face, face_of
from tests.integration.env import SQUARE
from tests.integration.sdk_place import Place, place_in
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SQUARES = disio.WorkUnit.from_source(SQUARE, "javascript", "squares")
PICKY = disio.WorkUnit.from_source(
    "export default (n) => { if (n % 5 === 3) throw new RangeError(`not ${n}`); return n }", "javascript", "picky"
)
FACTOR = 3


@disio.work
def times(x: int) -> int:
    return x * FACTOR


def difference(x: int, y: int) -> int:
    return x - y


async def later(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start services once; stop them at the end."""
    with place_in(tmp_path_factory.mktemp("functions")) as made:
        yield made


@pytest.fixture(params=FACES)
async def face(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Face]:
    """Connect each kind of client."""
    async with face_of(request.param, place.manager.url, **place.how) as made:
        yield made


async def test_a_function_is_mapped_over_a_range_a_list_and_several_iterables(face: Face) -> None:
    assert await face.all(face.client.map(later, [5, 7])) == [6, 8]
    assert await face.all(face.client.map(difference, [9, 8, 7], (1, 2, 3, 4))) == [8, 6, 4]
    assert await face.all(face.client.map(times, [])) == []


async def test_orders(face: Face) -> None:
    for order in ("index", "completed", "none"):
        found = await face.all(face.client.map(SQUARES, range(500), order=order).results())
        assert sorted(each.index for each in found) == list(range(500))
        assert all(each.value == each.index**2 == each.payload**2 for each in found)
        assert order != "index" or [each.index for each in found] == list(range(500))
    with pytest.raises(TypeError, match="order is one of index, completed, none, not 'sorted'"):
        face.client.map(SQUARES, range(3), order="sorted")


@pytest.mark.parametrize("order", ["index", "completed"])
async def test_endless_iterables_are_read_no_further_ahead_than_the_buffer(face: Face, order: str) -> None:
    read = itertools.count()
    mapping = face.client.map(SQUARES, counted(read), order=order, buffer=40)
    found = await face.all(mapping.results(), 100)
    assert len({each.index for each in found}) == 100
    assert all(each.value == each.index**2 for each in found)
    assert order != "index" or [each.index for each in found] == list(range(100))
    assert next(read) <= 100 + 40 + 10
    await face.do(mapping.cancel)


async def test_what_was_computed_and_not_taken_is_in_the_buffer(place: Place) -> None:
    async with face_of("async", place.manager.url, **place.how) as face:
        read: list[int] = []
        mapping = face.client.map(SQUARES, noted(read), order="completed", buffer=40)
        stream = aiter(mapping.results())
        for taken in range(1, 31):
            await anext(stream)
            for each in mapping.task_ids:
                await (await face.client.task(each)).wait()
            assert len(read) <= taken + 40 + 10
        await stream.aclose()
        await mapping.cancel()


def noted(read: list[int]) -> Iterator[int]:
    for number in itertools.count():
        read.append(number)
        yield number


def counted(numbers: "itertools.count[int]") -> Iterator[int]:
    yield from numbers


async def test_lists_that_are_too_long_for_one_task_become_several(face: Face) -> None:
    long = ["x" * 2000] * 1200
    echo = disio.WorkUnit.from_source("export default (text) => text.length", "javascript", "lengths")
    assert await face.all(face.client.map(echo, long)) == [2000] * 1200


async def test_a_value_that_fails_is_raised_at_its_turn_or_left_out(face: Face) -> None:
    found: list[int] = []
    mapping = face.client.map(PICKY, range(6), max_failures=1)
    with pytest.raises(disio.UnitFailed, match="RangeError: not 3") as failed:
        await into(face, mapping, found)
    assert found == [0, 1, 2] and failed.value.index == 3 and failed.value.kind == "error"
    assert "not 3" in failed.value.remote_traceback
    assert await face.all(face.client.map(PICKY, range(6), max_failures=1, partial=True)) == [0, 1, 2, 4, 5]
    with pytest.raises(disio.TaskFailed, match="1 of 6 payloads"):
        await face.all(face.client.map(PICKY, range(6), max_failures=1, order="completed"))


async def test_a_value_that_fails_late_is_raised_when_those_before_it_were_given(face: Face) -> None:
    late = disio.WorkUnit.from_source(
        """export default async (n) => {
          if (n !== 3) return n;
          await new Promise((done) => setTimeout(done, 1500));
          throw new RangeError("not " + n);
        }""",
        "javascript",
        "late",
    )
    found: list[int] = []
    with pytest.raises(disio.UnitFailed, match="RangeError: not 3"):
        await into(face, face.client.map(late, range(6), max_failures=1), found)
    assert found == [0, 1, 2]


async def into(face: Face, items: Any, found: list[Any]) -> None:
    """Collect until the end, however that comes."""
    if face.is_sync:
        await asyncio.to_thread(lambda: found.extend(items))
    else:
        async for item in items:
            found.append(item)


async def test_what_cannot_be_sent_is_told_before_anything_is_made(face: Face) -> None:
    with pytest.raises(disio.CannotShip, match="is a lambda"):
        face.client.map(lambda x: x, range(3))
    with pytest.raises(disio.BadArgument, match=r"value 1 is of type object"):
        await face.all(face.client.map(times, [1, object()]))
    with pytest.raises(TypeError, match="there is no option 'max_failure'"):
        face.client.map(times, range(3), max_failure=1)
    with pytest.raises(TypeError, match="at least one iterable"):
        face.client.map(times)


async def test_functions_are_submitted_too_and_results_of_several_tasks_come_together(
    face: Face, capfd: pytest.CaptureFixture[str]
) -> None:
    tasks = [await face.submit(times, range(5)), await face.submit(SQUARES, range(5))]
    found = await face.all(disio.as_completed(*tasks, progress=True))
    for task, expected in zip(tasks, ([0, 3, 6, 9, 12], [0, 1, 4, 9, 16]), strict=True):
        assert {each.index: each.value for each in found if each.task == task.id} == dict(enumerate(expected))
    assert "squares: 5 of 5 (done" in capfd.readouterr().err
    assert list(disio.as_completed()) == []
    with pytest.raises(TypeError, match=r"all of disio\.Client or all of disio\.AsyncClient"):
        disio.as_completed(tasks[0], 3)  # type: ignore[call-overload]


async def test_a_broken_off_map_leaves_nothing_that_reads_on(face: Face) -> None:
    before = {id(task) for task in asyncio.all_tasks()}
    assert len(await face.all(face.client.map(SQUARES, range(3000), order="completed").results(), 10)) == 10
    await wait_until(lambda: not {id(task) for task in asyncio.all_tasks()} - before)


def halved(x: int) -> tuple[int, float]:
    if x < 0:
        raise ValueError(f"{x} is negative")
    return x, x / 2


def test_calls_of_an_executor_run_in_the_sandbox_too(place: Place) -> None:
    with disio.connect(place.manager.url, **place.how) as client, client.executor() as executor:
        futures = [executor.submit(halved, x) for x in (3, -1)]
        assert futures[0].result(200) == (3, 1.5)
        error = futures[1].exception(200)
        assert type(error) is ValueError and error.args == ("-1 is negative",)
        assert "in halved" in str(error.__cause__)
