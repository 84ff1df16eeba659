"""Random numbers with random access: draw ``index`` of a key depends on seed, key and index alone.

Rule: pure, and the same on every machine and in every version: numbers are cut from BLAKE2b (RFC 7693) of the index,
keyed with the seed and personalised with the key's name, so another key beside it changes nothing.
"""

import hashlib

BITS = 64
_WORD = BITS // 8


class Source:
    """The draws of one key.

    Args:
        seed: The seed, as JSON text.
        key: The key's name.
    """

    def __init__(self, seed: str, key: str) -> None:
        # The name is hashed first: only 16 bytes of it would fit.
        person = hashlib.blake2b(key.encode(), digest_size=16).digest()
        secret = hashlib.blake2b(seed.encode()).digest()
        self._start = hashlib.blake2b(key=secret, person=person, digest_size=_WORD)

    def word(self, index: int) -> int:
        """Return draw ``index`` as an integer of ``BITS`` bits."""
        state = self._start.copy()
        state.update(index.to_bytes(_WORD, "little"))
        return int.from_bytes(state.digest(), "little")

    def below(self, index: int, count: int) -> int:
        """Return draw ``index`` as an integer from 0 to ``count - 1``.

        Each is drawn with its probability but for ``count / 2**64``, which no sample is large enough to see.
        """
        return (self.word(index) * count) >> BITS

    def fraction(self, index: int) -> float:
        """Return draw ``index`` as a float of 53 bits, ``0 <= x < 1``."""
        return (self.word(index) >> (BITS - 53)) * 2.0**-53
