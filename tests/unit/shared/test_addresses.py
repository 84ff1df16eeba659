"""Which texts are addresses of web servers."""

import pytest

from disio_shared.addresses import is_http_url


@pytest.mark.parametrize("text", ["http://localhost", "https://d.example.org:8710/x", "http://[::1]:8700"])
def test_an_address_of_a_web_server(text: str) -> None:
    assert is_http_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost:8700",
        "//host",
        "ftp://host",
        "http://",
        "http://:8700",
        "http://h:0",
        "http://h:99999",
        "http://[",
    ],
)
def test_no_address_of_a_web_server(text: str) -> None:
    assert not is_http_url(text)
