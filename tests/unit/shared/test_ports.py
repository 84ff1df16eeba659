"""Ports on real sockets."""

import pytest

from disio_shared.errors import ConfigError
from disio_shared.ports import TRIES, candidates, is_loopback, listen, port_of, url_of


def test_a_taken_port_leads_to_the_next_free_one() -> None:
    first = listen("127.0.0.1", 0)
    second = listen("127.0.0.1", port_of(first))
    try:
        assert port_of(first) < port_of(second) < port_of(first) + TRIES
    finally:
        first.close()
        second.close()


def test_zero_means_any_port_and_the_last_port_ends_the_search() -> None:
    assert list(candidates(0)) == [0]
    assert list(candidates(65_534)) == [65_534, 65_535]


@pytest.mark.parametrize("host", ["203.0.113.1", "no such host.invalid"])
def test_an_address_that_is_not_ours_is_refused_by_name(host: str) -> None:
    with pytest.raises(ConfigError, match="host"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("::1", "http://[::1]:1"),
        ("::", "http://[::1]:1"),
    ],
)
def test_the_url_is_one_this_machine_can_reach(host: str, url: str) -> None:
    assert url_of(host, 1) == url


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("", False)]
)
def test_loopback_is_told_from_the_world(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
