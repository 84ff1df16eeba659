"""Parts of a task document that are not about computing: early stop, webhooks, aggregates; and what is wrong with them.

Rule: a part says what is wanted and can be checked by itself; who does it is elsewhere.
"""

import base64
import binascii
import math
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from disio_shared.addresses import is_http_url
from disio_shared.errors import FieldProblem

MAX_DESCRIPTION = 4_000
"""Characters."""
MAX_CONDITIONS = 16
MAX_PATH = 200
"""Characters of a path into results."""
MAX_VALUE_BYTES = 4_096
"""Bytes of a value that results are compared with, as JSON text."""
MAX_VALUE_DEPTH = 16
MAX_MATCHES = 1_000_000
MAX_WEBHOOKS = 8
MAX_URL = 2_000
SECRET_PREFIX = "whsec_"
MIN_SECRET, MAX_SECRET = 24, 64
"""Bytes of a webhook's secret."""
MAX_FIELDS = 32
MAX_TOP = 100
SAFE_INTEGER = 2**53 - 1
"""Beyond it JSON numbers lose digits in JavaScript, and stores keep only 64 bits."""
COMPARISONS = ("equals", "differs", "above", "at_least", "below", "at_most", "exists")
WebhookEvent = Literal["done", "failed", "cancelled", "expired", "stalled"]


class Document(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of a task document."""


class Condition(Document, kw_only=True):
    """What one place of a result must be. All comparisons that are given must hold."""

    path: str = ""
    """Dotted, positions in lists as numbers; empty = the whole result."""
    equals: Any = UNSET
    """The JSON value that is there: 1 equals 1.0, true does not equal 1."""
    differs: Any = UNSET
    """There is a value, and it is another one."""
    above: float | UnsetType = UNSET
    """This and the next three: there is a number, and it is so."""
    at_least: float | UnsetType = UNSET
    below: float | UnsetType = UNSET
    at_most: float | UnsetType = UNSET
    exists: bool | UnsetType = UNSET


class StopWhen(Document, kw_only=True):
    """The task is done as soon as enough results are as is searched for."""

    result: list[Condition]
    """1 to 16; all must hold. A result of raw bytes only equals ``{"$base64": "..."}``."""
    count: int = 1
    """Results that must be so."""


class Webhook(Document, kw_only=True):
    """An address that is told when something becomes of the task."""

    url: str
    events: list[WebhookEvent] = msgspec.field(default_factory=lambda: ["done", "failed", "stalled"])
    secret: str = ""
    """``whsec_`` and base64 of 24 to 64 bytes; empty = the cluster's own. Kept, never shown."""


class Aggregates(Document, kw_only=True):
    """Numbers about the results, kept while they come."""

    fields: list[str] = []
    """Paths; empty = the result itself if it is a number, else its fields that are."""
    top: int = 10
    """Largest and smallest values that are kept with their payloads."""


def check_description(text: str) -> list[FieldProblem]:
    """Return what is wrong with a description."""
    if len(text) <= MAX_DESCRIPTION and all(each.isprintable() or each in "\n\t" for each in text):
        return []
    return [FieldProblem("description", f"must be at most {MAX_DESCRIPTION} printable characters, in lines")]


def check_stop_when(stop: StopWhen | None) -> list[FieldProblem]:
    """Return what is wrong with a condition for an early stop; paths begin with ``policy.stop_when``."""
    if stop is None:
        return []
    problems = []
    if not 1 <= len(stop.result) <= MAX_CONDITIONS:
        problems.append(FieldProblem("policy.stop_when.result", f"must be 1 to {MAX_CONDITIONS} conditions"))
    for at, condition in enumerate(stop.result[:MAX_CONDITIONS]):
        place = f"policy.stop_when.result.{at}"
        problems += [FieldProblem(f"{place}{where}", message) for where, message in _check_condition(condition)]
    if not 1 <= stop.count <= MAX_MATCHES:
        problems.append(FieldProblem("policy.stop_when.count", f"must be from 1 to {MAX_MATCHES}"))
    return problems


def check_webhooks(hooks: list[Webhook]) -> list[FieldProblem]:
    """Return what is wrong with webhooks."""
    problems = []
    if len(hooks) > MAX_WEBHOOKS:
        problems.append(FieldProblem("webhooks", f"at most {MAX_WEBHOOKS}"))
    for at, hook in enumerate(hooks[:MAX_WEBHOOKS]):
        problems += [FieldProblem(f"webhooks.{at}.{name}", message) for name, message in _check_webhook(hook)]
    return problems


def check_aggregates(wanted: Aggregates | None) -> list[FieldProblem]:
    """Return what is wrong with what is to be counted."""
    if wanted is None:
        return []
    problems = []
    if len(wanted.fields) > MAX_FIELDS:
        problems.append(FieldProblem("aggregates.fields", f"at most {MAX_FIELDS} paths"))
    if len(set(wanted.fields)) < len(wanted.fields):
        problems.append(FieldProblem("aggregates.fields", "a path is there twice"))
    for at, path in enumerate(wanted.fields[:MAX_FIELDS]):
        problems += [FieldProblem(f"aggregates.fields.{at}", message) for message in _check_path(path)]
    if not 0 <= wanted.top <= MAX_TOP:
        problems.append(FieldProblem("aggregates.top", f"must be from 0 to {MAX_TOP}"))
    return problems


def _check_condition(condition: Condition) -> list[tuple[str, str]]:
    problems = [(".path", message) for message in _check_path(condition.path)]
    given = [name for name in COMPARISONS if getattr(condition, name) is not UNSET]
    if not given:
        problems.append(("", f"must have at least one of {', '.join(COMPARISONS)}"))
    if condition.exists is False and len(given) > 1:
        problems.append((".exists", "what must not be there cannot be compared: false stands alone"))
    for name in given:
        value = getattr(condition, name)
        message = _check_value(value) if name in ("equals", "differs") else _check_number(value)
        problems += [(f".{name}", message)] if message else []
    return problems


def _check_path(path: str) -> list[str]:
    if len(path) > MAX_PATH or not path.isprintable():
        return [f"must be at most {MAX_PATH} printable characters"]
    return ["has an empty part"] if path and "" in path.split(".") else []


def _check_number(value: float) -> str:
    return "" if math.isfinite(value) else "must be a number"


def _check_value(value: Any) -> str:
    """Return why a value cannot be compared with, or nothing. The check is no deeper than what it allows."""
    level = [value]
    for _ in range(MAX_VALUE_DEPTH):
        if any(isinstance(each, int) and abs(each) > SAFE_INTEGER for each in level):
            return f"integers must stay within +-{SAFE_INTEGER}"
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            size = len(msgspec.json.encode(value))
            return "" if size <= MAX_VALUE_BYTES else f"has {size} bytes, at most {MAX_VALUE_BYTES}"
    return f"must not be deeper than {MAX_VALUE_DEPTH} levels"


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_webhook(hook: Webhook) -> list[tuple[str, str]]:
    rules: list[tuple[str, Callable[[], str]]] = [
        ("url", lambda: _check_url(hook.url)),
        ("events", lambda: "" if hook.events else "must name at least one"),
        ("events", lambda: "" if len(set(hook.events)) == len(hook.events) else "one is there twice"),
        ("secret", lambda: check_secret(hook.secret)),
    ]
    return [(name, message) for name, check in rules if (message := check())]


def _check_url(url: str) -> str:
    if len(url) > MAX_URL or not url.isprintable() or " " in url or not is_http_url(url):
        return f"must be the address of a web server, http or https, at most {MAX_URL} characters"
    place = urlsplit(url)
    if place.username is not None or place.password is not None:
        return "must have no user name or password in it: what is sent is signed with the secret"
    return "must have no part after #" if "#" in url else ""


def check_secret(secret: str) -> str:
    """Return what is wrong with the secret of a webhook, or nothing."""
    expected = f"must be {SECRET_PREFIX} and base64 of {MIN_SECRET} to {MAX_SECRET} bytes, or empty"
    if not secret:
        return ""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return expected
    return "" if secret.startswith(SECRET_PREFIX) and MIN_SECRET <= len(key) <= MAX_SECRET else expected
