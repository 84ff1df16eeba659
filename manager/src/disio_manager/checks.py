"""What a decoded link message must hold beyond its types.

Rule: whatever passes can be stored and shown as it is; the first thing wrong makes the message malformed.
"""

import math

from disio_shared import messages
from disio_shared.errors import MalformedMessage
from disio_shared.values import is_valid_value

MAX_ID = 100
MAX_TEXT = 1_000
MAX_ERROR_TEXT = 8_000
MAX_REFS = 100_000
MAX_NAMES = 1_000


def check_message(message: messages.FromDistributor) -> None:
    """Check a message of a distributor.

    Raises:
        MalformedMessage: It holds what no honest distributor sends.
    """
    if isinstance(message, messages.Deliver):
        _check_deliver(message)
    elif isinstance(message, messages.Join):
        _check_join(message)
    elif isinstance(message, messages.Ask):
        _require(message.payloads >= 0 and message.memory_mb >= 0, "ask: negative number")
        _require(max(len(message.languages), len(message.kinds)) <= MAX_NAMES, "ask: too many names")
        _require(len(message.tasks) <= MAX_REFS, "ask: too many tasks")
    elif isinstance(message, messages.Status):
        _require(min(message.clients, message.slots, message.outbox) >= 0, "status: negative number")
        _require(math.isfinite(message.rate) and message.rate >= 0, "status: rate")
        _require(len(message.kinds) <= MAX_NAMES and len(message.held) <= MAX_REFS, "status: too many entries")
    elif isinstance(message, messages.Return):
        _require(len(message.blocks) <= MAX_REFS, "return: too many blocks")


def _check_join(join: messages.Join) -> None:
    _require(1 <= len(join.distributor) <= MAX_ID and join.distributor.isprintable(), "join: distributor")
    _require(1 <= len(join.name) <= MAX_TEXT and join.name.isprintable(), "join: name")
    is_web = join.url.startswith(("http://", "https://")) and join.url.isprintable()
    _require(is_web and len(join.url) <= MAX_TEXT, "join: url must be http:// or https://")
    _require(max(len(join.region), len(join.software), len(join.join_token)) <= MAX_TEXT, "join: text too long")
    _require(join.max_clients >= 0 and len(join.held) <= MAX_REFS, "join: numbers")


def _check_deliver(deliver: messages.Deliver) -> None:
    _require(1 <= len(deliver.batch) <= MAX_ID, "deliver: batch")
    for part in deliver.results:
        _check_results(part)
    for failures in deliver.failures:
        _require(len(failures.errors) == len(failures.indexes), "failures: columns differ in length")
        _require(min(failures.indexes, default=0) >= 0, "failures: negative index")
        texts = (text for errors in failures.errors for text in errors)
        _require(all(len(text) <= MAX_ERROR_TEXT for text in texts), "failures: text too long")


def _check_results(part: messages.ResultColumns) -> None:
    number = len(part.indexes)
    columns = (part.values, part.seconds, part.by)
    _require(all(len(column) == number for column in columns), "results: columns differ in length")
    _require(min(part.indexes, default=0) >= 0, "results: negative index")
    _require(min(part.by, default=0) >= 0 and max(part.by, default=-1) < len(part.clients), "results: by")
    _require(all(map(math.isfinite, part.seconds)), "results: seconds")
    _require(all(len(client) <= MAX_ID and client.isprintable() for client in part.clients), "results: clients")
    _require(all(map(is_valid_value, part.values)), "results: a value is neither JSON nor raw bytes")


def _require(is_fine: bool, what: str) -> None:
    if not is_fine:
        raise MalformedMessage(what)
