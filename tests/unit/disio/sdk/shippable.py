"""Forty functions that can be sent, each with arguments: what they return must be the same wherever they run."""

import asyncio
import collections
import dataclasses
import enum
import functools
import hashlib
import itertools
import json
import math
import operator
import random
import re
import statistics
import string
import textwrap
import xml.etree.ElementTree as tree
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from math import sqrt as root
from typing import Any, NamedTuple

import disio
from tests.unit.disio.sdk import shippable_helpers as helpers
from tests.unit.disio.sdk.shippable_helpers import Stack, is_even
from tests.unit.disio.sdk.shippable_helpers import tenfold as ten_times

SCALE = 3
WORDS = ("one", "two", "three")
TABLE: dict[Any, Any] = {"a": [1, 2.5, None], 3: {"nested": (True, b"\x00")}, "nan": float("inf")}
PATTERN = re.compile(r"(\w+)@(\w+)", re.IGNORECASE)
PRICE, HALF = Decimal("1.10"), Fraction(1, 2)
STOP = frozenset({"the", "a"})
SQL = """select *
    from things
"""


def plain(x):  # type: ignore[no-untyped-def]
    return x + 1


def constants(x: int) -> list[Any]:
    return [x * SCALE, WORDS[x], TABLE["a"], TABLE[3]["nested"][0], TABLE["nan"] > 1e300]


def defaults(x: int, y: int = SCALE * 2, *, z: str = WORDS[1]) -> list[Any]:
    return [x, y, z]


def modules(x: float) -> list[float]:
    return [math.floor(x), root(16), statistics.mean([1, 2, x])]


def submodules(x: str) -> str:
    return str(tree.fromstring(f"<a><b>{x}</b></a>")[0].text)


def own_helper(x: int) -> int:
    return ten_times(x) + helper_here(x)


def helper_here(x: int) -> int:
    return -x if x > 100 else helper_further(x)


def helper_further(x: int) -> int:
    return x * SCALE


def cycles(x: int) -> bool:
    return is_even(x)


def recursive(n: int) -> int:
    return n * recursive(n - 1) if n else 1


def own_class(x: int) -> list[int]:
    return Stack().push(x).push(x + 1).items


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int = SCALE
    tags: list[str] = dataclasses.field(default_factory=list)

    @property
    def size(self) -> float:
        return math.hypot(self.x, self.y)


def data_class(x: int) -> dict[str, Any]:
    return {**dataclasses.asdict(Point(x, tags=["t"])), "size": Point(4).size}


class Pair(NamedTuple):
    left: int
    right: int = 2


def named_tuple(x: int) -> list[int]:
    return list(Pair(x))


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def enumeration(x: str) -> str:
    return Colour(x).name


class Base:
    def name(self) -> str:
        return "base"


class Derived(Base):
    def name(self) -> str:
        return "derived from " + super().name()


def inherited(_: Any) -> str:
    return Derived().name()


def pattern(x: str) -> list[str]:
    found = PATTERN.search(x)
    return list(found.groups()) if found else []


def exact_numbers(x: int) -> list[str]:
    return [str(PRICE * x), str(HALF / x)]


def sets(x: str) -> list[str]:
    return sorted(set(x.split()) - STOP)


def comprehension(x: int) -> list[list[int]]:
    return [[i * j * SCALE for j in range(i)] for i in range(x)]


def inner_function(x: int) -> int:
    factor = SCALE

    def inner(y: int) -> int:
        nonlocal factor
        factor += 1
        return y * factor

    return inner(x) + inner(x)


def inner_lambda(x: list[int]) -> list[int]:
    return sorted(x, key=lambda each: -each)


def inner_class(x: int) -> int:
    class Local:
        value = SCALE
        double = value * 2

    return Local.double + x


def generator_inside(x: int) -> list[int]:
    def count() -> Iterator[int]:
        yield from range(x)

    return list(count())


def made(factor: int, names: list[str]) -> Callable[[int], Any]:
    def closure(x: int) -> Any:
        return [x * factor, names[x % len(names)]]

    return closure


def made_recursive() -> Callable[[int], int]:
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    return fibonacci


def made_in_a_loop() -> list[Callable[[int], int]]:
    found: list[Callable[[int], int]] = []
    for i in range(3):

        def multiply(x: int, i: int = i) -> int:
            return x * i

        found.append(multiply)
    return found


@disio.work
def decorated(x: int) -> int:
    return x * SCALE  # with a comment


@disio.work(unit_timeout_s=5, max_failures=1)
def decorated_with_options(x: int) -> int:
    return decorated(x) + 1


@functools.cache
def remembered(n: int) -> int:
    return n if n < 2 else remembered(n - 1) + remembered(n - 2)


def uses_decorated_helper(x: int) -> int:
    return remembered(x)


def doubled(function: Callable[[int], int]) -> Callable[[int], int]:
    @functools.wraps(function)
    def call(x: int) -> int:
        return 2 * function(x)

    return call


@doubled
def own_decorator(x: int) -> int:
    return x + 1


async def asynchronous(x: int) -> int:
    await asyncio.sleep(0)
    return x + SCALE


def text_in_lines(x: str) -> list[str]:
    return [
        SQL + x,
        """kept
        as it is""",
    ]


def variadic(*args: int, **kwargs: int) -> int:
    return sum(args) + sum(kwargs.values())


def walrus(x: list[int]) -> list[int]:
    return [y for each in x if (y := each * 2) > 2]


def matching(x: Any) -> str:
    match x:
        case {"kind": str(kind), **rest}:
            return f"{kind} {len(rest)}"
        case [first, *_]:
            return f"list {first}"
        case _:
            return "other"


def raises_own(x: int) -> str:
    try:
        raise Trouble(x)
    except Trouble as error:
        return f"{type(error).__name__} {error}"


class Trouble(ValueError):
    pass


def dispatch(x: str) -> Any:
    return ACTIONS[x](4)


ACTIONS: dict[str, Callable[[Any], Any]] = {"ten": ten_times, "here": helper_here, "abs": abs, "root": root}


def digest(x: str) -> str:
    return hashlib.sha256(x.encode()).hexdigest() + sha(b"").hexdigest()[:4]


sha = hashlib.sha1


def ordered(x: str) -> Any:
    counted = collections.Counter(x)
    return json.dumps(collections.OrderedDict(sorted(counted.items())))


def chance(seed: int) -> list[float]:
    made = random.Random(seed)
    return [made.random(), made.randint(1, 6)]


def typed(x: "list[Point] | None" = None, y: "Any" = None) -> "Pair | None":
    count: int = 0
    for _ in x or ():
        count += 1
    return Pair(count) if count else None


def with_star_import(x: str) -> str:
    from string import capwords

    return capwords(x) + string.ascii_lowercase[:3]


def local_import(x: int) -> int:
    import itertools as tools

    return sum(tools.islice(itertools.count(x), 3))


def bytes_too(x: bytes) -> bytes:
    return x[::-1] + bytes([SCALE])


def unit_style(payload: Any, unit: Any) -> Any:
    return [payload, unit.index]


run = textwrap.dedent

_closure = made(7, ["a", "b"])
CASES: list[tuple[Callable[..., Any], list[Any]]] = [
    (plain, [1]),
    (constants, [2]),
    (defaults, [5]),
    (modules, [2.5]),
    (submodules, ["x"]),
    (own_helper, [4]),
    (cycles, [10]),
    (recursive, [20]),
    (own_class, [1]),
    (data_class, [3]),
    (named_tuple, [1]),
    (enumeration, ["red"]),
    (inherited, [None]),
    (pattern, ["Me@Home"]),
    (exact_numbers, [3]),
    (sets, ["the cat a dog"]),
    (comprehension, [4]),
    (inner_function, [2]),
    (inner_lambda, [[1, 3, 2]]),
    (inner_class, [1]),
    (generator_inside, [3]),
    (_closure, [5]),
    (made_recursive(), [10]),
    (made_in_a_loop()[2], [21]),
    (decorated, [5]),
    (decorated_with_options, [5]),
    (uses_decorated_helper, [30]),
    (remembered, [31]),
    (own_decorator, [20]),
    (asynchronous, [1]),
    (text_in_lines, ["x"]),
    (variadic, [1, 2, 3]),
    (walrus, [[1, 2, 3]]),
    (matching, [{"kind": "k", "a": 1}]),
    (raises_own, [3]),
    (dispatch, ["here"]),
    (digest, ["x"]),
    (ordered, ["hello"]),
    (chance, [42]),
    (typed, [None]),
    (with_star_import, ["a b"]),
    (local_import, [5]),
    (helpers.tenfold, [7]),
    (run, ["  x\n  y"]),
    (pow, [2, 100]),
    (math.gcd, [12, 18]),
    (operator.add, [1, 2]),
    (divmod, [17, 5]),
    (str.upper, ["abc"]),
    (sorted, [[3, 1, 2]]),
]
