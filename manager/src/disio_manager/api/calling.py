"""Who sent a request, from where, and what it does.

Rule: an address that another program tells is believed only of who has the machine's own token.
"""

import ipaddress

from aiohttp import web

from disio_manager.api.context import context_of
from disio_manager.api.operation import Operation
from disio_manager.people.roles import Caller
from disio_shared.vouching import ADDRESS_HEADER, PROOF_HEADER

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
DETAIL: web.RequestKey[str] = web.RequestKey("what the audit tells besides", str)
Calls = dict[tuple[str, str], Operation]
CALLS: web.AppKey[Calls] = web.AppKey("operations by method and path", dict)
MAX_LABEL = 200


def caller_of(request: web.Request) -> Caller:
    """Return who sent a request that is not open to all."""
    return request[CALLER]


def operation_of(request: web.Request) -> Operation | None:
    """Return the call that a request means; None: there is no such path, or it does not take the method."""
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    return None if resource is None else request.app[CALLS].get((method, resource.canonical))


def address_of(request: web.Request) -> str:
    """Return from where a request comes, an IP address or nothing."""
    told = request.headers.get(ADDRESS_HEADER, "")
    if told and context_of(request).gate.vouches(told, request.headers.get(PROOF_HEADER, "")):
        try:
            return str(ipaddress.ip_address(told))
        except ValueError:
            pass
    return request.remote or ""


def program_of(request: web.Request) -> str:
    """Return what a request says of the program that sends it."""
    text = request.headers.get("User-Agent", "")[:MAX_LABEL]
    return "".join(char for char in text if char.isprintable() and not "\ud800" <= char <= "\udfff")


def calls_of(operations: tuple[Operation, ...]) -> Calls:
    """Return operations by method and path."""
    return {(operation.method, operation.path): operation for operation in operations}
