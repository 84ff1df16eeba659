"""Where a webhook may go.

Rule: the address is looked at when the connection is opened, after every name was resolved, so no name can point
somewhere else in between.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

PRIVATE = "is an address of this machine or of a private network: the manager needs --webhooks-private for that"
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"),)
"""IPv6 networks whose last 32 bits are the IPv4 address that is meant."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PrivateTarget(OSError):
    """A webhook leads to where nobody outside may reach."""


def is_public(text: str) -> bool:
    """Tell whether an IP address is one of the internet's, with whatever IPv4 address is inside it."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast and not each.is_reserved for each in _meant(address))


def _meant(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner: Address | None = address.ipv4_mapped
    if inner is not None:
        return [inner]
    if any(address in network for network in _EMBEDDING):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour is not None:
        inner = address.sixtofour
    elif address.teredo is not None:
        inner = address.teredo[1]
    return [address] if inner is None else [address, inner]


def socket_factory(is_private_allowed: bool) -> Callable[[Any], socket.socket]:
    """Return what opens sockets for a connector: only to where it is allowed."""

    def make(info: Any) -> socket.socket:
        family, kind, protocol, _, place = info
        if not is_private_allowed and not is_public(str(place[0])):
            raise PrivateTarget(f"{place[0]} {PRIVATE}")
        return socket.socket(family, kind, protocol)

    return make
