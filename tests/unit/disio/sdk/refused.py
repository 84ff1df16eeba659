"""Functions that cannot be sent, each with what must be named and what must be advised."""

import contextlib
import curses
import functools
import io
import itertools
import logging
import queue
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec

import disio
from tests.unit.disio.sdk import shippable_helpers
from tests.unit.disio.sdk.shippable_helpers import Stack

LOCK = threading.Lock()
LOG = logging.getLogger("refused")
FILE = io.StringIO("text")
QUEUE: "queue.Queue[int]" = queue.Queue()
OBJECT = Stack()
PLACES = {"a": [1, Stack()]}
HUGE = "x" * (1 << 20)
CYCLE: list[Any] = []
CYCLE.append(CYCLE)
COUNTER = 0
SOCKET = socket.socket
square = lambda x: x * x  # noqa: E731
squares = {"square": lambda x: x * x}
partial = functools.partial(pow, 2)
counter = itertools.count()


def uses_lock(x: int) -> int:
    with LOCK:
        return x


def uses_logger(x: int) -> int:
    LOG.info("called with %s", x)
    return x


def uses_file(x: int) -> str:
    return FILE.read(x)


def uses_queue(x: int) -> int:
    return QUEUE.get() + x


def uses_object(x: int) -> Any:
    return OBJECT.push(x)


def uses_object_in_dict(x: str) -> Any:
    return PLACES[x]


def uses_huge(x: int) -> str:
    return HUGE[x]


def uses_cycle(x: int) -> Any:
    return CYCLE[x]


def writes_global(x: int) -> int:
    global COUNTER
    COUNTER += x
    return COUNTER


def uses_lambda(x: int) -> Any:
    return square(x)  # type: ignore[no-untyped-call]


def uses_lambda_in_dict(x: int) -> Any:
    return squares["square"](x)


def uses_partial(x: int) -> int:
    return partial(x)


def uses_iterator(_: int) -> int:
    return next(counter)


def uses_own_module(x: int) -> int:
    return shippable_helpers.tenfold(x)


def uses_package(x: int) -> bytes:
    return msgspec.json.encode(x)


def imports_package(x: int) -> Any:
    import numpy  # type: ignore[import-not-found, unused-ignore]

    return numpy.arange(x)


def uses_absent_module(x: int) -> Any:
    return curses.initscr(x)  # type: ignore[call-arg]


def imports_absent_module(_: int) -> Any:
    import tkinter.messagebox as box

    return box


def imports_relatively(x: int) -> int:
    from .shippable_helpers import tenfold

    return tenfold(x)


def uses_nothing(x: int) -> int:
    return not_there_yet + x  # type: ignore[name-defined, no-any-return] # noqa: F821


def yields(x: int) -> Iterator[int]:
    yield x


async def yields_later(x: int) -> AsyncIterator[int]:
    yield x


def made_counter() -> Callable[[int], int]:
    count = 0

    def increase(x: int) -> int:
        nonlocal count
        count += x
        return count

    return increase


def made_with_lock() -> Callable[[int], int]:
    lock = threading.RLock()

    def locked(x: int) -> int:
        with lock:
            return x

    return locked


def made_with_empty_cell() -> Callable[[int], int]:
    def early(x: int) -> int:
        return late(x)  # type: ignore[no-any-return, unused-ignore]

    if QUEUE.qsize() > 100:
        late: Any = abs
    return early


def run(x: int) -> int:
    return run(x - 1) if x else 0


def uses_run(x: int) -> int:
    return run(x)


def helper_with_lock(x: int) -> int:
    return uses_lock(x)


class Machine:
    def method(self, x: int) -> int:
        return x

    @staticmethod
    def static(x: int) -> int:
        return x

    def __call__(self, x: int) -> int:
        return x


def other() -> Callable[[int], int]:
    def tenfold(x: int) -> int:
        return x

    return tenfold


tenfold = other()


def uses_two_of_one_name(x: int) -> Any:
    return uses_the_other(x) + tenfold(x)


def uses_the_other(x: int) -> int:
    return _alias(x)


_alias = shippable_helpers.tenfold
without_source: Any = eval("lambda: None").__class__(compile("1", "nowhere", "eval"), {}, "typed_in")


@contextlib.contextmanager
def manages(x: int) -> Iterator[int]:
    yield x


@disio.work
def marked_but_locked(x: int) -> int:
    with LOCK:
        return x


def wraps_without_decorator(x: int) -> int:
    return x


wrapped = functools.wraps(wraps_without_decorator)(functools.partial(wraps_without_decorator))

REFUSED: list[tuple[Any, str, str]] = [
    (uses_lock, r"LOCK is an object of type _thread\.lock", "a unit runs alone"),
    (uses_logger, r"LOG is an object of type logging\.Logger", "print instead"),
    (uses_file, r"FILE is an object of type _io\.StringIO", "pass it as an argument"),
    (uses_queue, r"QUEUE is an object of type queue\.Queue", "pass it as an argument"),
    (uses_object, r"OBJECT is an object of type .*\.Stack", "pass it as an argument"),
    (uses_object_in_dict, r"PLACES holds an object of type .*\.Stack", "pass it as an argument"),
    (uses_huge, r"HUGE has 1048578 characters", "pass it as an argument"),
    (uses_cycle, r"CYCLE is nested deeper than 50 levels, or holds itself", "pass it as an argument"),
    (writes_global, r"COUNTER is a global that is written", "return it"),
    (uses_lambda, r"square \(used in uses_lambda\) is a lambda|square is a lambda", "use def"),
    (uses_lambda_in_dict, r"<lambda>.* is a lambda", "use def"),
    (uses_partial, r"partial is an object of type functools\.partial", "pass it as an argument"),
    (uses_iterator, r"counter is an object of type itertools\.count", "pass it as an argument"),
    (uses_own_module, r"shippable_helpers is your own module", r"from .*shippable_helpers import"),
    (uses_package, r"msgspec needs msgspec, which is not in the sandbox", "runtime='native'"),
    (imports_package, r"numpy needs numpy, which is not in the sandbox", "runtime='native'"),
    (uses_absent_module, r"curses needs curses, which the sandbox's Python has not", "do without it"),
    (imports_absent_module, r"tkinter\.messagebox needs tkinter", "do without it"),
    (imports_relatively, r"\.shippable_helpers is your own module", "import it above"),
    (uses_nothing, r"not_there_yet stands for nothing yet", "define it before"),
    (yields, r"yields cannot be sent: it yields", "return a list"),
    (yields_later, r"yields_later cannot be sent: it yields", "return a list"),
    (made_counter(), r"increase writes a variable of a function around it", "return it"),
    (made_with_lock(), r"lock is an object of type _thread\.RLock", "a unit runs alone"),
    (made_with_empty_cell(), r"late stands for nothing yet", "define it before"),
    (run, r"run is what a work unit calls its own function", "rename it"),
    (uses_run, r"run is what a work unit calls its own function|run .*rename it", "rename it"),
    (helper_with_lock, r"LOCK \(used in uses_lock\) is an object of type _thread\.lock", "a unit runs alone"),
    (OBJECT.push, r"push cannot be sent: it is bound to an object", "pass it what it needs"),
    (Machine.static, r"static belongs to the class Machine", "stands by itself"),
    (Machine(), r"Machine cannot be sent: it is an object of type Machine", "made with def"),
    (Machine, r"Machine cannot be sent: it is a class", "send a function"),
    (partial, r"partial cannot be sent: it is an object of type partial", "made with def"),
    (square, r"<lambda> cannot be sent: it is a lambda", "use def"),
    (uses_two_of_one_name, r"tenfold .*stands for two different things", "rename one"),
    (without_source, r"typed_in cannot be sent: it has no source here", "put it in a file"),
    (marked_but_locked, r"LOCK is an object of type", "a unit runs alone"),
    (wrapped, r"is wrapped by something that is not a decorator", "send what it wraps"),
]
