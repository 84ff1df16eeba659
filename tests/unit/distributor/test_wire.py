"""Packets of the client link."""

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_distributor.wire import MALFORMED, LinkPacket

EVENT = 2
json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


def read(value: object) -> LinkPacket:
    return LinkPacket(encoded_packet=msgpack.dumps(value))


def test_an_event_with_bytes_is_taken_with_its_acknowledgement_number() -> None:
    packet = read({"type": EVENT, "nsp": "/", "data": ["m", b"abc"], "id": 7, "options": {"compress": True}})
    assert (packet.packet_type, packet.namespace, packet.data, packet.id) == (EVENT, "/", ["m", b"abc"], 7)


def test_what_a_javascript_peer_writes_for_undefined_is_no_number_and_no_data() -> None:
    undefined = msgpack.ExtType(0, b"")
    packet = read({"type": 0, "nsp": "/", "data": undefined, "id": undefined})
    assert (packet.packet_type, packet.data, packet.id) == (0, None, None)


@pytest.mark.parametrize(
    "value",
    [
        {"type": EVENT, "nsp": "/", "data": ["m", "text"]},
        {"type": EVENT, "nsp": "/", "data": ["m"]},
        {"type": EVENT, "nsp": "/", "data": ["m", b"a", b"b"]},
        {"type": EVENT, "nsp": "/", "data": ["other", b"a"]},
        {"type": EVENT, "nsp": "/"},
        {"type": 3, "nsp": "/", "data": [b"ack"], "id": 1},
        {"type": 5, "nsp": "/", "data": ["m", {"_placeholder": True, "num": 0}]},
        {"type": 99, "nsp": "/"},
        {},
        [],
        7,
    ],
)
def test_any_other_packet_becomes_the_malformed_event(value: object) -> None:
    packet = read(value)
    assert (packet.packet_type, packet.data, packet.id) == (EVENT, [MALFORMED], None)


def test_a_text_packet_and_deep_nesting_become_the_malformed_event() -> None:
    deep = b"\x91" * 100_000 + b"\xc0"
    bomb = b"\x83" + b"".join(msgpack.dumps(part) for part in ("type", EVENT, "nsp", "/", "data")) + deep
    for encoded in ("2text", b"", bomb):
        packet = LinkPacket(encoded_packet=encoded or b"\xc1")
        assert packet.data == [MALFORMED]


@given(json_like)
def test_no_packet_can_make_decoding_raise_or_build_an_object(value: object) -> None:
    try:
        encoded = msgpack.dumps({"type": EVENT, "nsp": "/", "data": value})
    except (OverflowError, ValueError, UnicodeEncodeError):
        return
    packet = LinkPacket(encoded_packet=encoded)
    data = packet.data or []
    assert data == [MALFORMED] or (data[0] == "m" and isinstance(data[1], bytes))


@given(st.binary(min_size=1, max_size=200))
def test_random_bytes_never_raise(encoded: bytes) -> None:
    LinkPacket(encoded_packet=encoded)
