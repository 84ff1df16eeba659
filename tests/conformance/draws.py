"""The unit's random numbers, computed another way than the runtime does: with Python's integers.

Algorithms: xoshiro128** (Blackman and Vigna, 2018), its state from SplitMix (Steele, Lea and Flood, 2014) with the
32-bit finalizer of MurmurHash3, seeded by the FNV-1a hash of "task:index"; a double takes the upper 27 and 26 bits of
two draws.

Rule: nothing of the runtime is used here, so that an agreement means something.
"""

from __future__ import annotations

from collections.abc import Iterator

MASK = 0xFFFFFFFF


def _seeds(text: str) -> Iterator[int]:
    state = 0x811C9DC5
    for letter in text:
        state = (state ^ ord(letter)) * 0x01000193 & MASK
    while True:
        state = (state + 0x9E3779B9) & MASK
        z = (state ^ state >> 16) * 0x85EBCA6B & MASK
        z = (z ^ z >> 13) * 0xC2B2AE35 & MASK
        yield z ^ z >> 16


def _rotated(x: int, k: int) -> int:
    return (x << k | x >> 32 - k) & MASK


def words(task: str, index: int) -> Iterator[int]:
    """Yield what the generator of this task and index draws, 32 bits each."""
    seeds = _seeds(f"{task}:{index}")
    a, b, c, d = (next(seeds) for _ in range(4))
    d = d or 1
    while True:
        yield _rotated(b * 5 & MASK, 7) * 9 & MASK
        t = b << 9 & MASK
        c, d = c ^ a, d ^ b
        b, a = b ^ c, a ^ d
        c, d = c ^ t, _rotated(d, 11)


def doubles(task: str, index: int, count: int) -> list[float]:
    """Return the first numbers in [0, 1) that `unit.random` gives."""
    drawn = words(task, index)
    return [((next(drawn) >> 5) * 67108864 + (next(drawn) >> 6)) / 9007199254740992 for _ in range(count)]


def shuffled(task: str, index: int, values: list[int]) -> list[int]:
    """Return `values` in the order of Fisher and Yates (1938), as Durstenfeld (1964) does it."""
    values, at = list(values), len(values)
    for draw in doubles(task, index, len(values) - 1):
        at -= 1
        other = int(draw * (at + 1))
        values[at], values[other] = values[other], values[at]
    return values
