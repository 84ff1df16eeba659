"""Numbers about a task's results: how many, their mean, the smallest and largest, where they lie.

Rule: what comes out depends on which results went in, never on their order or on how they were split; and its size
depends on the number of fields alone.

A number is a JSON number as JavaScript reads it: a double, -0 as 0. Truth values, null, texts, raw bytes and numbers
beyond the largest double are no numbers and are not counted; NaN and infinities do not exist in JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from disio_manager.core.stopping import is_number, value_at
from disio_manager.histograms import Histogram
from disio_shared.task_parts import MAX_FIELDS, MAX_PATH, Aggregates
from disio_shared.values import decode_value

SCALE_BITS = 1074
"""Every double is a whole number of 2**-1074."""
MAX_EXACT = 2**53
FORM = 1
"""Of what ``packed`` writes."""


class At(NamedTuple):
    """A number and the payload whose result it is of."""

    value: float
    payload: int


class _Found(NamedTuple):
    """Numbers of one field, and the payloads that they are of."""

    values: list[float]
    payloads: list[int]

    def upto(self, edge: float) -> list[At]:
        """Return those that are not above a number."""
        return [At(value, payload) for value, payload in zip(*self, strict=True) if value <= edge]

    def above(self, edge: float) -> list[At]:
        """Return those that are not below a number."""
        return [At(value, payload) for value, payload in zip(*self, strict=True) if value >= edge]


class Extreme(msgspec.Struct, frozen=True):
    """One of the largest or smallest numbers."""

    i: int
    """Its payload."""
    value: float


class Bins(msgspec.Struct, frozen=True):
    """How many numbers lie where: bin ``n`` begins at ``start + n * width`` and ends below the next one's beginning."""

    start: float
    width: float
    """0 when all numbers are the same."""
    counts: list[int]


class Numbers(msgspec.Struct, frozen=True):
    """What is known of one field. Of equal numbers the one with the lowest payload counts as smaller and larger."""

    count: int
    """Results that have a number there."""
    sum: float | None
    """Nearest to the exact sum; null when there is none or it is beyond all doubles."""
    mean: float | None
    """Nearest to the exact mean."""
    min: float | None
    min_at: int | None
    """Payload."""
    max: float | None
    max_at: int | None
    histogram: Bins | None
    top: list[Extreme]
    """The largest, descending."""
    bottom: list[Extreme]
    """The smallest, ascending."""


@dataclass(slots=True)
class Field:
    """The numbers of one field, at least one."""

    count: int
    total: int
    """Their exact sum in units of 2**-SCALE_BITS: the long accumulator of U. Kulisch, "Computer Arithmetic and
    Validity" (2008); it needs about 2,100 bits and those of the count."""
    low: At
    high: At
    histogram: Histogram
    top: list[At]
    bottom: list[At]

    @classmethod
    def of(cls, found: "_Found", top: int) -> "Field":
        """Return what some numbers come to."""
        ordered = sorted(found.values)
        most = min(max(1, top), len(ordered))
        lowest, highest = sorted(found.upto(ordered[most - 1])), _descending(found.above(ordered[-most]), most)
        histogram = Histogram.of(ordered)
        return cls(len(ordered), _exact_sum(ordered), lowest[0], highest[0], histogram, highest[:top], lowest[:top])

    def merge(self, other: "Field", top: int) -> None:
        """Put in what is known of other results."""
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = _descending([self.high, other.high], 1)[0]
        self.histogram.merge(other.histogram)
        self.top = _descending([*self.top, *other.top], top)
        self.bottom = sorted([*self.bottom, *other.bottom])[:top]

    def shown(self) -> Numbers:
        """Return it as people read it."""
        return Numbers(
            count=self.count,
            sum=_divided(self.total, 1),
            mean=_divided(self.total, self.count),
            min=plain(self.low.value),
            min_at=self.low.payload,
            max=plain(self.high.value),
            max_at=self.high.payload,
            histogram=Bins(plain(self.histogram.start), plain(self.histogram.width), self.histogram.all_counts()),
            top=[Extreme(each.payload, plain(each.value)) for each in self.top],
            bottom=[Extreme(each.payload, plain(each.value)) for each in self.bottom],
        )


NOTHING = Numbers(0, None, None, None, None, None, None, None, [], [])
"""Of a field that no result has yet."""


class _PackedField(msgspec.Struct, frozen=True, array_like=True):
    path: str
    count: int
    total: bytes
    low: At
    high: At
    bins: tuple[float, float, int | None, dict[int, int]]
    top: list[At]
    bottom: list[At]


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    form: int
    counted: int
    is_cut: bool
    fields: list[_PackedField]


_decoder = msgspec.msgpack.Decoder(_Packed)


class Aggregate:
    """What is known of the results of a task.

    Args:
        wanted: Which fields; none: the result itself if it is a number, else its top-level fields that are, the first
            ``MAX_FIELDS`` by name. A name with a dot in it could not be asked for and is passed over.
    """

    def __init__(self, wanted: Aggregates) -> None:
        self.wanted = wanted
        self._paths = [(path, path.split(".") if path else []) for path in wanted.fields]
        self.counted = 0
        """Results that went in."""
        self.is_cut = False
        """There are more fields than are kept."""
        self.fields: dict[str, Field] = {}

    @classmethod
    def of(cls, wanted: Aggregates, rows: Sequence[tuple[int, bytes]]) -> "Aggregate":
        """Return what some results come to: payload and result in wire form."""
        made = cls(wanted)
        found: dict[str, _Found] = {}
        for payload, value in rows:
            made._gather(payload, value, found)
        made.counted = len(rows)
        made.fields = {path: Field.of(some, wanted.top) for path, some in found.items()}
        made._cut(made.fields, MAX_FIELDS)
        return made

    def merge(self, other: "Aggregate") -> None:
        """Put in what is known of other results; ``other`` is of no use after it."""
        self.counted += other.counted
        self.is_cut |= other.is_cut
        for path, theirs in other.fields.items():
            ours = self.fields.setdefault(path, theirs)
            if ours is not theirs:
                ours.merge(theirs, self.wanted.top)
        self._cut(self.fields, MAX_FIELDS)

    def shown(self) -> dict[str, Numbers]:
        """Return the numbers by path: as they were asked for, or by name."""
        paths = self.wanted.fields or sorted(self.fields)
        return {path: self.fields[path].shown() if path in self.fields else NOTHING for path in paths}

    def packed(self) -> bytes:
        """Return it as bytes that ``unpacked`` reads."""
        fields = [
            _PackedField(
                path,
                field.count,
                field.total.to_bytes(field.total.bit_length() // 8 + 1, "little", signed=True),
                field.low,
                field.high,
                field.histogram.packed(),
                field.top,
                field.bottom,
            )
            for path, field in sorted(self.fields.items())
        ]
        return msgspec.msgpack.encode(_Packed(FORM, self.counted, self.is_cut, fields))

    @classmethod
    def unpacked(cls, wanted: Aggregates, body: bytes) -> "Aggregate":
        """Return what ``packed`` wrote.

        Raises:
            ValueError: It wrote no such thing.
        """
        try:
            packed = _decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise ValueError("no aggregate") from error
        if packed.form != FORM:
            raise ValueError(f"an aggregate of form {packed.form}")
        made = cls(wanted)
        made.counted, made.is_cut = packed.counted, packed.is_cut
        for each in packed.fields:
            total = int.from_bytes(each.total, "little", signed=True)
            histogram = Histogram(*each.bins)
            made.fields[each.path] = Field(each.count, total, each.low, each.high, histogram, each.top, each.bottom)
        return made

    def _gather(self, payload: int, value: bytes, found: dict[str, _Found]) -> None:
        try:
            result = decode_value(value)
        except ValueError:  # the link lets none through
            return
        if self._paths:
            for path, parts in self._paths:
                self._put(payload, path, value_at(result, parts), found)
        elif isinstance(result, dict):
            for name, inner in result.items():
                self._put(payload, name, inner, found)
        else:
            self._put(payload, "", result, found, is_whole=True)

    def _put(self, payload: int, path: str, there: Any, found: dict[str, _Found], is_whole: bool = False) -> None:
        if not is_number(there):
            return
        try:
            number = there + 0.0
        except OverflowError:  # an integer beyond all doubles
            return
        known = found.get(path)
        if known is None:
            if not self._paths and not is_whole and not _can_be_asked_for(path):
                return
            known = found[path] = _Found([], [])
            self._cut(found, 2 * MAX_FIELDS)
        known.values.append(number)
        known.payloads.append(payload)

    def _cut(self, found: dict[str, Any], most: int) -> None:
        """Keep the first fields by name when there are too many.

        One that is left out has ``MAX_FIELDS`` before it for good, so nothing that ends up among the first ones is
        ever lost, in whatever order they come.
        """
        if len(found) <= most:
            return
        self.is_cut = True
        for name in sorted(found)[MAX_FIELDS:]:
            del found[name]


def _can_be_asked_for(name: str) -> bool:
    return 0 < len(name) <= MAX_PATH and "." not in name and name.isprintable()


def _descending(pairs: list[At], most: int) -> list[At]:
    return sorted(pairs, key=_by_value_downwards)[:most]


def _by_value_downwards(pair: At) -> tuple[float, int]:
    return -pair.value, pair.payload


def _exact_sum(ordered: list[float]) -> int:
    """Return the sum of ascending numbers in units of 2**-SCALE_BITS."""
    largest = max(-ordered[0], ordered[-1])
    if largest * len(ordered) < MAX_EXACT and all(map(float.is_integer, ordered)):
        return int(sum(ordered)) << SCALE_BITS  # the quick way: no addition of these rounds
    by_denominator: dict[int, int] = {}
    for numerator, denominator in map(float.as_integer_ratio, ordered):
        by_denominator[denominator] = by_denominator.get(denominator, 0) + numerator
    return sum(part << (SCALE_BITS + 1 - below.bit_length()) for below, part in by_denominator.items())


def _divided(total: int, count: int) -> float | None:
    """Return the double nearest to a sum's part: Python divides integers of any size so."""
    try:
        return plain(total / (count << SCALE_BITS))
    except OverflowError:
        return None


def plain(value: float) -> float:
    """Return a number as an integer if it is one that every program reads as such."""
    return int(value) if abs(value) <= MAX_EXACT and value.is_integer() else value
