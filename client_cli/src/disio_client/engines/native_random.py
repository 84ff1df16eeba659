"""The unit's own random numbers in native Python: bit for bit those of the sandboxes' unit runtime (runtime/random.ts).

Rule: integer arithmetic on 32 bits only, so that every client draws the same numbers for the same task and index.
Algorithms: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), its state
filled by SplitMix (Steele, Lea and Flood, 2014) with the 32-bit finalizer of MurmurHash3, from an FNV-1a hash of
"task:index" over UTF-16 code units.
"""

from collections.abc import Callable

_MASK = 0xFFFFFFFF


def seeded_random(task: str, index: int) -> Callable[[], float]:
    """Return a generator of doubles in [0, 1) with 53 random bits each."""
    following = _splitmix(_fnv1a(f"{task}:{index}"))
    a, b, c = following(), following(), following()
    # The all-zero state is the one that xoshiro never leaves.
    d = following() or 1

    def draw() -> int:
        nonlocal a, b, c, d
        out = b * 5 & _MASK
        out = ((out << 7 | out >> 25) & _MASK) * 9 & _MASK
        shifted = b << 9 & _MASK
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d << 11 | d >> 21) & _MASK
        return out

    return lambda: ((draw() >> 5) * 67108864 + (draw() >> 6)) / 9007199254740992


def _fnv1a(text: str) -> int:
    value = 0x811C9DC5
    units = text.encode("utf-16-le", "surrogatepass")
    for at in range(0, len(units), 2):
        value = (value ^ units[at] ^ units[at + 1] << 8) * 0x01000193 & _MASK
    return value


def _splitmix(seed: int) -> Callable[[], int]:
    state = seed

    def following() -> int:
        nonlocal state
        state = state + 0x9E3779B9 & _MASK
        z = (state ^ state >> 16) * 0x85EBCA6B & _MASK
        z = (z ^ z >> 13) * 0xC2B2AE35 & _MASK
        return z ^ z >> 16

    return following
