"""Compressed messages: what comes out, and what is refused before it costs anything."""

import tracemalloc
import zlib

import pytest

from disio_manager.unpacking import IN_PLACE_BYTES, unpacked
from disio_shared import messages
from disio_shared.codec import MAX_LINK_MESSAGE
from disio_shared.errors import MalformedMessage
from tests.unit.manager.served import deliver_message


def pack(message: messages.FromDistributor, size: int | None = None) -> messages.Packed:
    data = messages.FROM_DISTRIBUTOR.encode(message)
    return messages.Packed(size=len(data) if size is None else size, data=zlib.compress(data, 1))


@pytest.mark.parametrize("number", [1, 40_000])
async def test_a_packed_message_comes_out_as_it_went_in(number: int) -> None:
    message = deliver_message("t", list(range(number)))
    packed = pack(message)
    assert (packed.size > IN_PLACE_BYTES) == (number > 1)
    assert await unpacked(packed) == message


GOOD = pack(deliver_message("t", [1, 2, 3]))
BAD = {
    "too small a size": messages.Packed(size=GOOD.size - 1, data=GOOD.data),
    "too large a size": messages.Packed(size=GOOD.size + 1, data=GOOD.data),
    "no size": messages.Packed(size=0, data=GOOD.data),
    "a negative size": messages.Packed(size=-1, data=GOOD.data),
    "over the limit": messages.Packed(size=MAX_LINK_MESSAGE + 1, data=GOOD.data),
    "cut off": messages.Packed(size=GOOD.size, data=GOOD.data[:-3]),
    "something after it": messages.Packed(size=GOOD.size, data=GOOD.data + b"x"),
    "no zlib": messages.Packed(size=GOOD.size, data=b"x" * 50),
    "nothing": messages.Packed(size=5, data=b""),
    "a bomb": messages.Packed(size=1_000, data=zlib.compress(bytes(50 << 20))),
    "no message": messages.Packed(size=4, data=zlib.compress(b"\xc1\xc1\xc1\xc1")),
    "packed twice": pack(GOOD),
}


@pytest.mark.parametrize("packed", BAD.values(), ids=BAD.keys())
async def test_anything_else_is_malformed(packed: messages.Packed) -> None:
    with pytest.raises(MalformedMessage):
        await unpacked(packed)


async def test_a_bomb_is_never_unpacked_whole() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage):
            await unpacked(BAD["a bomb"])
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
