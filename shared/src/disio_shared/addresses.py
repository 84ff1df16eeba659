"""Addresses that people write.

Rule: they are looked at here, never resolved or opened.
"""

from urllib.parse import urlsplit


def is_http_url(text: str) -> bool:
    """Tell whether a text is the address of a web server: http or https, a host, and a port other than 0 if any."""
    try:
        place = urlsplit(text)
        return place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        return False
