"""``client.executor()`` is an executor as those of the standard library.

Each test asks what CPython's own tests of executors ask (their text is not here), of calls that real processes compute:
native workers, since these start at once.
"""

import concurrent.futures
import math
import operator
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Executor, Future
from typing import Any

import pytest

import disio
from disio.sdk.portions import MOST_BYTES
from tests.integration.sdk_place import Place, place_in
from tests.waiting import patient, wait_until_sync

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
ENDS_S = 60.0


def keywords(*args: Any, **kwargs: Any) -> list[Any]:
    return [list(args), kwargs]


def fails(x: int) -> int:
    return inner_failure(x)


def inner_failure(x: int) -> int:
    raise ValueError(f"no {x}")


class OwnError(Exception):
    pass


def fails_with_own() -> None:
    raise OwnError("of its own")


def key_error(key: str) -> Any:
    empty: dict[str, int] = {}
    return empty[key]


def leaves() -> None:
    sys.exit(3)


def reverse(data: bytes) -> bytes:
    return data[::-1]


async def later(x: int) -> int:
    return x + 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start services once; stop them at the end."""
    with place_in(tmp_path_factory.mktemp("executor"), is_trusting=True, cores=4) as made:
        yield made


@pytest.fixture(scope="module")
def client(place: Place) -> Iterator[disio.Client]:
    """Connect once."""
    with disio.connect(place.manager.url, **place.how) as made:
        yield made


@pytest.fixture
def executor(client: disio.Client) -> Iterator[Executor]:
    """Make an executor; all its calls have ended afterwards."""
    with client.executor(max_workers=5, runtime="native") as made:
        yield made


def test_calls_give_what_functions_return(executor: Executor) -> None:
    futures: list[Future[Any]] = [
        executor.submit(pow, 2, 8),
        executor.submit(divmod, 17, 5),
        executor.submit(math.sqrt, 16),
        executor.submit(operator.add, "a", "b"),
        executor.submit(str.upper, "abc"),
        executor.submit(reverse, b"ab\x00"),
        executor.submit(later, 1),
        executor.submit(sorted, [3, 1], reverse=True),
    ]
    assert [each.result(ENDS_S) for each in futures] == [256, (3, 2), 4.0, "ab", "ABC", b"\x00ba", 2, [3, 1]]
    assert all(type(each) is Future and each.done() for each in futures)


def test_arguments_may_be_called_anything(executor: Executor) -> None:
    future = executor.submit(keywords, 1, self=2, fn=3, payload=4, unit=5)
    assert future.result(ENDS_S) == [[1], {"self": 2, "fn": 3, "payload": 4, "unit": 5}]
    with pytest.raises(TypeError):
        executor.submit(fn=keywords, arg=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        executor.submit(arg=1)  # type: ignore[call-arg]


def test_map_keeps_the_order_whatever_its_chunks(executor: Executor) -> None:
    assert list(executor.map(pow, range(10), range(10))) == list(map(pow, range(10), range(10)))
    assert list(executor.map(pow, range(20), range(20), chunksize=6)) == list(map(pow, range(20), range(20)))
    assert list(executor.map(abs, [])) == []


def test_map_raises_at_the_turn_of_what_failed(executor: Executor) -> None:
    found = executor.map(divmod, [1, 1, 1, 1], [2, 3, 0, 5])
    assert next(found) == (0, 1)
    assert next(found) == (0, 1)
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_map_ends_at_its_timeout(executor: Executor) -> None:
    assert list(executor.map(time.sleep, [0, 0], timeout=ENDS_S)) == [None, None]
    with pytest.raises(TimeoutError):
        list(executor.map(time.sleep, [0, 0, 3], timeout=1))


def test_errors_come_with_their_type_and_the_remote_traceback(executor: Executor) -> None:
    error = executor.submit(fails, 7).exception(ENDS_S)
    assert type(error) is ValueError and error.args == ("no 7",)
    assert isinstance(error.__cause__, disio.errors.RemoteTraceback)
    assert "in inner_failure" in str(error.__cause__) and 'raise ValueError(f"no {x}")' in str(error.__cause__)
    missing = executor.submit(key_error, "k").exception(ENDS_S)
    assert type(missing) is KeyError and missing.args == ("k",)
    own = executor.submit(fails_with_own).exception(ENDS_S)
    assert type(own) is disio.UnitFailed and "OwnError: of its own" in str(own) and own.kind == "error"
    left = executor.submit(leaves).exception(ENDS_S)
    assert type(left) is disio.UnitFailed and "SystemExit" in str(left)


def test_a_call_that_takes_too_long_fails_by_its_kind(client: disio.Client) -> None:
    with client.executor(runtime="native", unit_timeout_s=0.5) as executor:
        error = executor.submit(time.sleep, 60).exception(ENDS_S)
    assert isinstance(error, disio.UnitFailed) and error.kind == "timeout"


def test_what_cannot_be_sent_is_told_at_once(executor: Executor) -> None:
    with pytest.raises(disio.CannotShip, match="is a lambda"):
        executor.submit(lambda: 1)
    with pytest.raises(disio.CannotShip, match="is bound to an object"):
        executor.submit(threading.Event().set)
    with pytest.raises(disio.BadArgument, match=r"args\[1\] is of type object"):
        executor.submit(operator.add, 1, object())
    with pytest.raises(disio.BadArgument, match=r"args\[0\] is bytes, which can only be the one argument"):
        executor.submit(operator.add, b"a", b"b")


def test_only_so_many_workers_make_sense(client: disio.Client) -> None:
    for number in (0, -1):
        with pytest.raises(ValueError, match="max_workers must be greater than 0"):
            client.executor(max_workers=number)


def test_nothing_is_taken_after_the_shutdown(client: disio.Client) -> None:
    executor = client.executor(runtime="native")
    future = executor.submit(abs, -3)
    executor.shutdown()
    assert future.done() and future.result() == 3
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(pow, 2, 5)
    executor.shutdown()


def test_a_context_manager_waits_for_its_calls(client: disio.Client) -> None:
    with client.executor(runtime="native", max_workers=5) as executor:
        futures = [executor.submit(abs, n) for n in (-5, -4)]
        slow = executor.submit(time.sleep, 0.3)
    assert [each.result(0) for each in futures] == [5, 4] and slow.done()


def test_a_shutdown_without_waiting_lets_calls_end(client: disio.Client) -> None:
    executor = client.executor(runtime="native", max_workers=5)
    results = executor.map(abs, range(-5, 5))
    executor.shutdown(wait=False)
    assert list(results) == [abs(n) for n in range(-5, 5)]


def test_an_executor_that_nobody_holds_lets_calls_end(client: disio.Client) -> None:
    executor = client.executor(runtime="native", max_workers=5)
    gone = weakref.ref(executor)
    results = executor.map(abs, range(-5, 5))
    future = executor.submit(abs, -2)
    del executor
    wait_until_sync(lambda: gone() is None)
    assert list(results) == [abs(n) for n in range(-5, 5)] and future.result(ENDS_S) == 2


def test_many_calls_end_by_themselves(client: disio.Client) -> None:
    with client.executor(runtime="native") as executor:
        futures = [executor.submit(time.sleep, 0.01) for _ in range(50)]
        executor.shutdown()
    assert all(each.result(0) is None for each in futures)


def test_cancelled_futures_are_those_that_were_not_begun(client: disio.Client) -> None:
    executor = client.executor(runtime="native", max_workers=5)
    futures = [executor.submit(time.sleep, 0.1) for _ in range(50)]
    executor.shutdown(cancel_futures=True)
    cancelled = [each for each in futures if each.cancelled()]
    assert len(cancelled) >= 35
    assert all(each.done() for each in futures)
    assert all(each.exception(0) is None for each in futures if not each.cancelled())


def test_what_waits_can_be_cancelled_and_what_runs_cannot(client: disio.Client) -> None:
    with client.executor(runtime="native", max_workers=1) as executor:
        first = executor.submit(time.sleep, 0.5)
        second = executor.submit(time.sleep, 60)
        wait_until_sync(first.running)
        assert not first.cancel() and second.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            second.result(ENDS_S)
    assert first.result(0) is None


def test_wait_returns_at_the_first_end_the_first_error_or_the_last_end(executor: Executor) -> None:
    quick: Future[Any] = executor.submit(abs, -1)
    slow: Future[Any] = executor.submit(time.sleep, 3)
    done, not_done = concurrent.futures.wait([quick, slow], ENDS_S, return_when=FIRST_COMPLETED)
    assert (done, not_done) == ({quick}, {slow})
    failed: Future[Any] = executor.submit(fails, 1)
    done, not_done = concurrent.futures.wait([slow, failed], ENDS_S, return_when=FIRST_EXCEPTION)
    assert failed in done
    assert concurrent.futures.wait([quick, slow, failed], ENDS_S).not_done == set()
    assert concurrent.futures.wait([executor.submit(time.sleep, 1)], 0.001).done == set()


def test_as_completed_gives_each_future_once(executor: Executor) -> None:
    futures = {executor.submit(abs, -n): n for n in range(1, 10)}
    same = next(iter(futures))
    found = list(concurrent.futures.as_completed([*futures, same], ENDS_S))
    assert set(found) == set(futures) and len(found) == len(futures)
    assert all(each.result(0) == futures[each] for each in found)
    with pytest.raises(TimeoutError):
        list(concurrent.futures.as_completed([executor.submit(time.sleep, 2)], 0.01))


def test_callbacks_are_called_once_the_answer_is_there(executor: Executor) -> None:
    called: list[int] = []
    future = executor.submit(abs, -9)
    future.add_done_callback(lambda done: called.append(done.result(0)))
    assert future.result(ENDS_S) == 9
    wait_until_sync(lambda: called == [9])


def test_submitting_from_callbacks_and_threads(executor: Executor) -> None:
    follow_ups: list[Future[int]] = []
    first = executor.submit(abs, -1)
    first.add_done_callback(lambda done: follow_ups.append(executor.submit(abs, -done.result(0) - 1)))
    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(executor.submit(abs, -n).result())) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENDS_S)
    assert sorted(found) == list(range(8))
    wait_until_sync(lambda: follow_ups)
    assert follow_ups[0].result(ENDS_S) == 2


def test_results_are_not_kept(executor: Executor) -> None:
    future = executor.submit(operator.mul, [1, 2], 2)
    assert future.result(ENDS_S) == [1, 2, 1, 2]
    gone = weakref.ref(future)
    del future
    wait_until_sync(lambda: gone() is None)


def test_calls_of_a_function_share_a_task_that_is_removed_when_all_gave_something(client: disio.Client) -> None:
    with client.executor(runtime="native", name="shared") as executor:
        assert [executor.submit(abs, -n).result(ENDS_S) for n in range(3)] == [0, 1, 2]
        (shared,) = client.tasks(q="shared")
        assert (shared.info.state, shared.info.total) == ("running", 3)
    assert not list(client.tasks(q="shared"))


def test_a_task_with_failed_calls_is_over_and_kept(client: disio.Client) -> None:
    with client.executor(runtime="native", name="kept") as executor:
        assert isinstance(executor.submit(fails, 1).exception(ENDS_S), ValueError)
        assert executor.submit(abs, -1).result(ENDS_S) == 1
    (kept,) = client.tasks(q="kept")
    assert kept.info.failed == 1 and kept.info.is_over
    kept.delete()


def test_a_large_call_needs_no_other(client: disio.Client) -> None:
    with client.executor(runtime="native", name="large") as executor:
        large = executor.submit(len, "x" * (MOST_BYTES + 1))
        assert executor.submit(len, "abc").result(ENDS_S) == 3
        assert large.result(ENDS_S) == MOST_BYTES + 1
    assert not list(client.tasks(q="large"))


def test_a_task_that_was_closed_while_it_was_idle_is_followed_by_another(client: disio.Client, place: Place) -> None:
    with client.executor(runtime="native", name="followed") as executor:
        for number in (1, 2):
            assert executor.submit(abs, -number).result(ENDS_S) == number
            closed = [task for task in client.tasks(q="followed") if task.info.state == "running"]
            assert len(closed) == 1
            closed[0].close()
            wait_until_sync(lambda: not list(client.tasks(state="running", q="followed")), 20)
    assert not list(client.tasks(state="running", q="followed"))


def test_a_task_that_somebody_ends_ends_its_calls_and_no_later_ones(client: disio.Client) -> None:
    with client.executor(runtime="native", name="ended") as executor:
        sleeping = executor.submit(time.sleep, 60)
        (task,) = wait_until_sync(lambda: list(client.tasks(q="ended")), 20)
        task.cancel()
        error = sleeping.exception(ENDS_S)
        assert isinstance(error, disio.errors.TaskFailed) and error.state == "cancelled"
        assert executor.submit(time.sleep, 0).result(ENDS_S) is None


def run_program(place: Place, body: str) -> subprocess.CompletedProcess[str]:
    """Run a program that has an executor ``executor`` to its end."""
    lines = [
        "import atexit, os, signal, sys, threading, time, disio",
        "client = disio.connect(sys.argv[1], token_file=sys.argv[2])",
        "executor = client.executor(runtime='native', max_workers=3)",
        *body.strip().splitlines(),
    ]
    words = [sys.executable, "-c", "\n".join(lines), place.manager.url, str(place.token_file)]
    return subprocess.run(words, capture_output=True, text=True, timeout=patient(ENDS_S))


def test_the_interpreter_waits_for_its_calls_at_its_end(place: Place) -> None:
    done = run_program(
        place,
        """
future = executor.submit(time.sleep, 0.3)
future.add_done_callback(lambda each: print("ended", each.exception(), flush=True))
""",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended None\n", "")


def test_nothing_is_taken_at_the_end_of_the_interpreter(place: Place) -> None:
    done = run_program(
        place,
        """
def late():
    try:
        executor.submit(abs, 1)
    except RuntimeError as error:
        print(error, flush=True)
atexit.register(late)
""",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "cannot schedule new futures after interpreter shutdown\n"


def test_ctrl_c_in_a_context_ends_the_process_without_its_calls(place: Place) -> None:
    done = run_program(
        place,
        """
try:
    with executor:
        future = executor.submit(time.sleep, 50)
        threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
        future.result()
except KeyboardInterrupt:
    print("interrupted", future.done(), flush=True)
""",
    )
    assert (done.returncode, done.stdout) == (0, "interrupted False\n"), done.stderr


def test_calls_end_with_an_error_when_their_task_is_ended(client: disio.Client) -> None:
    with client.executor(runtime="native", name="ended by somebody") as executor:
        future = executor.submit(time.sleep, 50)
        (task,) = wait_until_sync(lambda: list(client.tasks(q="ended by somebody")), 20)
        task.cancel()
        with pytest.raises(disio.TaskFailed, match="was cancelled"):
            future.result(ENDS_S)
    task.delete()
