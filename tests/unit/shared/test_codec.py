"""Messages in bytes: what is not one is refused, and nothing else happens."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_shared import messages
from disio_shared.codec import MAX_CLIENT_MESSAGE, Codec
from disio_shared.errors import LocalProtocolError, MalformedMessage, OversizeMessage


@given(st.binary(max_size=200))
def test_garbage_is_malformed(data: bytes) -> None:
    for codec in (messages.FROM_CLIENT, messages.TO_CLIENT, messages.FROM_DISTRIBUTOR, messages.TO_DISTRIBUTOR):
        with pytest.raises(MalformedMessage):
            codec.decode(data)


@given(st.integers(0, 3), st.binary(min_size=1, max_size=3))
def test_a_message_with_flipped_bytes_decodes_or_is_malformed(at: int, noise: bytes) -> None:
    data = bytearray(messages.FROM_CLIENT.encode(messages.Ready(slots=2)))
    data[at : at + len(noise)] = noise
    try:
        assert messages.FROM_CLIENT.decode(data) is not None
    except MalformedMessage as refusal:
        assert "does not decode" in str(refusal)


def test_unknown_fields_are_ignored() -> None:
    data = msgspec.msgpack.encode({"type": "ready", "slots": 3, "mood": "fine"})
    assert messages.FROM_CLIENT.decode(data) == messages.Ready(slots=3)


def test_a_message_of_the_other_direction_is_refused() -> None:
    with pytest.raises(MalformedMessage):
        messages.FROM_CLIENT.decode(messages.TO_CLIENT.encode(messages.Idle(reason="no work")))


def test_deep_nesting_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        messages.FROM_CLIENT.decode(b"\x91" * 100_000)


def test_too_many_bytes_are_refused_before_they_are_looked_at() -> None:
    with pytest.raises(OversizeMessage):
        messages.FROM_CLIENT.decode(bytes(MAX_CLIENT_MESSAGE + 1))


def test_we_do_not_send_what_the_peer_would_refuse() -> None:
    small: Codec[messages.ToClient] = Codec(messages.ToClient, 20)
    with pytest.raises(LocalProtocolError):
        small.encode(messages.Idle(reason="x" * 30))
